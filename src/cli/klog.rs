//! The klog flags of the Go webhook, so that arguments written for it are taken.

use clap::{ArgAction, Args};

use super::values;

/// The flags of klog that the Go webhook has: `v` sets the level, the rest has no effect here.
#[derive(Debug, Clone, Args)]
pub struct KlogArgs {
    /// Verbosity: 0 to 3 is info, 4 and 5 are debug, 6 and above are trace
    #[arg(short, long = "v", value_name = "LEVEL", default_value_t = 0, value_parser = values::integer,
          allow_negative_numbers = true, help_heading = "Server")]
    pub verbosity: i64,
    #[command(flatten)]
    ignored: IgnoredArgs,
}

/// The klog flags without an effect, so that arguments written for the Go webhook are taken.
#[derive(Debug, Clone, Args)]
struct IgnoredArgs {
    #[arg(long = "add_dir_header", hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = values::boolean, action = ArgAction::Set)]
    add_dir_header: Option<bool>,
    #[arg(long = "alsologtostderr", hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = values::boolean, action = ArgAction::Set)]
    alsologtostderr: Option<bool>,
    #[arg(long = "legacy_stderr_threshold_behavior", hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = values::boolean, action = ArgAction::Set)]
    legacy_stderr_threshold_behavior: Option<bool>,
    #[arg(long = "logtostderr", hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = values::boolean, action = ArgAction::Set)]
    logtostderr: Option<bool>,
    #[arg(long = "one_output", hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = values::boolean, action = ArgAction::Set)]
    one_output: Option<bool>,
    #[arg(long = "skip_headers", hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = values::boolean, action = ArgAction::Set)]
    skip_headers: Option<bool>,
    #[arg(long = "skip_log_headers", hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = values::boolean, action = ArgAction::Set)]
    skip_log_headers: Option<bool>,
    #[arg(long = "alsologtostderrthreshold", hide = true, allow_hyphen_values = true)]
    alsologtostderrthreshold: Option<String>,
    #[arg(long = "log_backtrace_at", hide = true, allow_hyphen_values = true)]
    log_backtrace_at: Option<String>,
    #[arg(long = "log_dir", hide = true, allow_hyphen_values = true)]
    log_dir: Option<String>,
    #[arg(long = "log_file", hide = true, allow_hyphen_values = true)]
    log_file: Option<String>,
    #[arg(long = "log_file_max_size", hide = true, allow_hyphen_values = true)]
    log_file_max_size: Option<String>,
    #[arg(long = "stderrthreshold", hide = true, allow_hyphen_values = true)]
    stderrthreshold: Option<String>,
    #[arg(long = "vmodule", hide = true, allow_hyphen_values = true)]
    vmodule: Option<String>,
}

impl KlogArgs {
    /// The flags that were given and have no effect.
    #[must_use]
    pub fn ignored(&self) -> Vec<&'static str> {
        // The flags are taken apart whole, so that forgetting one does not compile.
        let IgnoredArgs {
            add_dir_header,
            alsologtostderr,
            legacy_stderr_threshold_behavior,
            logtostderr,
            one_output,
            skip_headers,
            skip_log_headers,
            alsologtostderrthreshold,
            log_backtrace_at,
            log_dir,
            log_file,
            log_file_max_size,
            stderrthreshold,
            vmodule,
        } = &self.ignored;
        let given = [
            ("--add_dir_header", add_dir_header.is_some()),
            ("--alsologtostderr", alsologtostderr.is_some()),
            ("--legacy_stderr_threshold_behavior", legacy_stderr_threshold_behavior.is_some()),
            ("--logtostderr", logtostderr.is_some()),
            ("--one_output", one_output.is_some()),
            ("--skip_headers", skip_headers.is_some()),
            ("--skip_log_headers", skip_log_headers.is_some()),
            ("--alsologtostderrthreshold", alsologtostderrthreshold.is_some()),
            ("--log_backtrace_at", log_backtrace_at.is_some()),
            ("--log_dir", log_dir.is_some()),
            ("--log_file", log_file.is_some()),
            ("--log_file_max_size", log_file_max_size.is_some()),
            ("--stderrthreshold", stderrthreshold.is_some()),
            ("--vmodule", vmodule.is_some()),
        ];
        given.into_iter().filter_map(|(name, given)| given.then_some(name)).collect()
    }
}
