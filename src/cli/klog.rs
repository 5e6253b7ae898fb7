//! The klog flags of the Go webhook, so that arguments written for it are taken.

use clap::error::Error;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

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

/// The klog flags without an effect that are switches, and those that take a value.
const SWITCHES: [&str; 7] = [
    "add_dir_header",
    "alsologtostderr",
    "legacy_stderr_threshold_behavior",
    "logtostderr",
    "one_output",
    "skip_headers",
    "skip_log_headers",
];
const VALUES: [&str; 7] = [
    "alsologtostderrthreshold",
    "log_backtrace_at",
    "log_dir",
    "log_file",
    "log_file_max_size",
    "stderrthreshold",
    "vmodule",
];

/// Those of them that were given.
#[derive(Debug, Clone)]
struct IgnoredArgs(Vec<&'static str>);

impl Args for IgnoredArgs {
    fn augment_args(command: Command) -> Command {
        let hidden = |name| Arg::new(name).long(name).hide(true).action(ArgAction::Set);
        let switch = |name| hidden(name).num_args(0..=1).require_equals(true).default_missing_value("true");
        let switches = SWITCHES.map(|name| switch(name).value_parser(values::boolean));
        command.args(switches).args(VALUES.map(|name| hidden(name).allow_hyphen_values(true)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for IgnoredArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let all = SWITCHES.into_iter().chain(VALUES);
        Ok(Self(all.filter(|name| matches.contains_id(name)).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        Self::from_arg_matches(matches).map(|given| *self = given)
    }
}

impl KlogArgs {
    /// The flags that were given and have no effect.
    #[must_use]
    pub fn ignored(&self) -> Vec<String> {
        self.ignored.0.iter().map(|name| format!("--{name}")).collect()
    }
}
