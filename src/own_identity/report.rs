//! What is printed, and what is wrong, as a function of the variables, the token's file and the time.

use std::fmt::Write as _;

use injection::text::Quoted;

use super::args::IdentityArgs;
use super::claims::Claims;
use super::pair::{self, Method, Pair, Variables};
use crate::cli::time::{distance, moment};
use crate::source::regular_file;

/// Largest file that is read for a token, in bytes: one of Kubernetes has two KiB.
const TOKEN_LIMIT: u64 = 1 << 20;

/// Most characters shown of a value, which whoever made the pod may have written.
const LONGEST: usize = 2048;

/// What is said of an identity.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// What is known, a line each.
    pub(super) text: String,
    /// What makes no difference to the exit code.
    pub(super) notes: Vec<String>,
    /// What is wrong first, and what to do about it.
    pub(super) problem: Option<String>,
}

/// Looks at everything.
pub(super) fn report(args: &IdentityArgs, variables: Variables<'_>, now: i64) -> Report {
    let mut report = Report::default();
    let looked = look(args, variables, now, &mut report.text);
    report.problem = looked.err();
    if !report.text.is_empty() {
        report.notes.extend(pair::preferred(variables));
    }
    report
}

fn look(args: &IdentityArgs, variables: Variables<'_>, now: i64, text: &mut String) -> Result<(), String> {
    let Pair { method, token_file } = pair::find(variables).map_err(|error| error.to_string())?;
    let mut line = |name: &str, value: &str| {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{:<12}{value}", format!("{name}:"));
    };
    match &method {
        Method::Irsa(role) => {
            line("method", "IRSA");
            line("role", &shown(role));
        }
        Method::PodIdentity(uri) => {
            line("method", "EKS Pod Identity");
            line("agent", &shown(uri));
        }
    }
    let file = shown(&token_file.to_string_lossy());
    line("token file", &file);
    let token = regular_file::read(&token_file, TOKEN_LIMIT);
    let token = token.map_err(|error| {
        format!(
            "failed to read the token file {file}: {error}; mount the token's volume in this container, and run it as \
             a user who may read it (spec.securityContext.fsGroup makes it readable for everyone of the pod)"
        )
    })?;
    let claims = Claims::of_token(&token).map_err(|error| {
        format!("the token file {file} holds no token: {error}; mount a serviceAccountToken volume there")
    })?;
    let audiences = claims.audiences().iter().map(|audience| shown(audience));
    line("audience", &audiences.collect::<Vec<_>>().join(", "));
    let account = claims.account().map(|(namespace, name)| shown(&format!("{namespace}/{name}")));
    line("account", &account.unwrap_or_else(|| shown(&claims.subject)));
    line("expires", &format!("{}, {}", moment(claims.expiry), distance(claims.expiry, now)));
    judge(args, &method, &claims, now)
}

/// What is wrong with an identity that could be read.
fn judge(args: &IdentityArgs, method: &Method, claims: &Claims, now: i64) -> Result<(), String> {
    let IdentityArgs { role_arn, audience } = args;
    if claims.expiry <= now {
        return Err(format!(
            "the token expired {}: the kubelet has not renewed it; see whether the node is Ready and its clock is \
             right, and that the volume is not mounted by subPath",
            distance(claims.expiry, now)
        ));
    }
    match (role_arn, method) {
        (Some(wanted), Method::Irsa(role)) if wanted != role => Err(format!(
            "the role is {}, not {} as --role-arn asks for; change the role of the ServiceAccount, and make the pod anew",
            shown(role),
            shown(wanted)
        )),
        (Some(_), Method::PodIdentity(_)) => Err(
            "--role-arn asks for a role, but the pod has EKS Pod Identity, whose role only AWS knows; leave out \
             --role-arn, or remove the association of the pod's ServiceAccount"
                .to_owned(),
        ),
        _ => Ok(()),
    }?;
    match audience {
        Some(wanted) if !claims.audiences().contains(wanted) => Err(format!(
            "the token does not have the audience {} that --audience asks for; give the ServiceAccount that audience \
             by its annotation, or the webhook by --token-audience, and make the pod anew",
            shown(wanted)
        )),
        _ => Ok(()),
    }
}

/// A value as it is, or in quotes if there is something in it that no such value has.
fn shown(value: &str) -> String {
    let is_plain = value.chars().all(|c| c.is_ascii_graphic()) && value.len() <= LONGEST && !value.is_empty();
    if is_plain { value.to_owned() } else { Quoted::ascii(value, LONGEST).to_string() }
}
