//! Whether a document can be had: its server, that server's certificate, the answer.

use injection::text::Line;

use super::super::finding::{Findings, PodSees, Step};
use super::certificate::Certificates;
use super::host;
use crate::issuer::web::is_internal;
use crate::issuer::web::{Fetched, NoReply, Reached, Reply, Unreached};

/// Characters of somebody else's text that are shown.
const SHOWN: usize = 200;

/// The steps of one document.
#[derive(Clone, Copy)]
pub(super) struct Steps {
    connection: Step,
    certificate: Step,
    answer: Step,
}

impl Steps {
    pub(super) const DOCUMENT: Self =
        Self { connection: Step::Connection, certificate: Step::Certificate, answer: Step::Answer };
    pub(super) const KEYS: Self = Self {
        connection: Step::KeysConnection,
        certificate: Step::KeysCertificate,
        answer: Step::KeysAnswer,
    };

    /// Says why none of them was looked at.
    pub(super) fn skip(self, why: &str, findings: &mut Findings) {
        for step in [self.connection, self.certificate, self.answer] {
            findings.skip(step, why);
        }
    }
}

/// Judges how a document was read; gives its text if AWS could read it too. Of the host of the document `before` nothing is
/// said twice.
pub(super) fn judge<'f>(
    fetched: &'f Fetched,
    steps: Steps,
    certificates: &Certificates<'_>,
    before: Option<&Fetched>,
    findings: &mut Findings,
) -> Option<&'f [u8]> {
    let reached = match &fetched.reached {
        Ok(reached) => reached,
        Err(why) => {
            unreached(why, host(fetched), steps.connection, findings);
            findings.skip(steps.certificate, "there is no connection");
            findings.skip(steps.answer, "there is no connection");
            return None;
        }
    };
    let is_same = before.is_some_and(|before| {
        let chain = before.reached.as_ref().ok().map(|reached| &reached.chain);
        host(before) == host(fetched) && before.url.port == fetched.url.port && chain == Some(&reached.chain)
    });
    if is_same {
        findings.ok(steps.connection, "the same host as the issuer's");
        if findings.is_in_doubt(Step::Certificate) {
            findings.skip(steps.certificate, "the same as the issuer's, of which is told above");
        } else {
            findings.ok(steps.certificate, "the same as the issuer's");
        }
    } else {
        connection(reached, fetched, steps.connection, findings);
        if !certificates.judge(&reached.chain, host(fetched), steps.certificate, findings) {
            findings.skip(steps.answer, "by its certificate another server answers");
            return None;
        }
    }
    match &reached.reply {
        Ok(reply) => answer(reply, fetched, steps.answer, findings),
        Err(why) => {
            no_reply(why, steps.answer, findings);
            None
        }
    }
}

fn connection(reached: &Reached, fetched: &Fetched, step: Step, findings: &mut Findings) {
    let Reached { address, is_by_flag, .. } = reached;
    if *is_by_flag {
        return findings.ok(step, format!("{address}, by --resolve: DNS was not asked"));
    }
    if is_internal(address.ip()) {
        let fix = "Serve the documents at an address of the internet. If the name has another address there, run this outside of \
                   the private network, or name that address with --resolve.";
        let seen = format!("{} is {} here, which AWS cannot reach", host(fetched), address.ip());
        return findings.fail(step, seen, PodSees::NoKey, fix);
    }
    findings.ok(step, address.to_string());
}

fn unreached(why: &Unreached, host: &str, step: Step, findings: &mut Findings) {
    let fix = match why {
        Unreached::Name(..) => {
            format!("Have the public DNS name an address for {host}, or correct the host's name in the URL.")
        }
        Unreached::Refused(..) | Unreached::Late(_) => {
            "Have the server listen at port 443 to the whole internet: firewalls and security groups have to let AWS in, whose \
             addresses are not documented."
                .to_owned()
        }
        Unreached::Tls(..) => {
            "Have the server speak TLS 1.2 or 1.3 at port 443, and show its certificate to clients that have none.".to_owned()
        }
    };
    let pod_sees = if matches!(why, Unreached::Late(_)) { PodSees::Slow } else { PodSees::NoKey };
    findings.fail(step, Line::new(&why.to_string(), SHOWN).to_string(), pod_sees, fix);
}

fn no_reply(why: &NoReply, step: Step, findings: &mut Findings) {
    let (pod_sees, fix) = match why {
        NoReply::Late(_) => (
            PodSees::Slow,
            "Serve the documents as files, from a bucket, a CDN or a web server that has nothing else to do.",
        ),
        NoReply::TooLong(_) => {
            (PodSees::NoKey, "Publish the document alone: a key set with 200 keys has a third of this.")
        }
        NoReply::Broken(_) => {
            (PodSees::NoKey, "Read the server's log: it ends the connection before its answer is complete.")
        }
    };
    findings.fail(step, Line::new(&why.to_string(), SHOWN).to_string(), pod_sees, fix);
}

fn answer<'f>(reply: &'f Reply, fetched: &Fetched, step: Step, findings: &mut Findings) -> Option<&'f [u8]> {
    let Reply { status, location, body, .. } = reply;
    let url = Line::new(&fetched.url.to_string(), SHOWN).to_string();
    let (seen, fix) = match status {
        200 => {
            findings.ok(step, format!("200, {} bytes from {url}", body.len()));
            return Some(body);
        }
        300..=399 => {
            let to =
                location.as_deref().map(|to| format!(" to {}", Line::new(to, SHOWN))).unwrap_or_default();
            (format!("{url} redirects{to} ({status}), which AWS does not follow"), redirect(reply, fetched))
        }
        403 => (format!("{url} is forbidden to the public (403)"), forbidden(reply)),
        404 => (format!("{url} does not exist (404)"), missing(reply, step)),
        500..=599 => (
            format!("the server of {url} has trouble ({status})"),
            "Read the log of the server, or of what the server in front passes requests on to.".to_owned(),
        ),
        _ => (
            format!("{url} is answered with {status}, not with 200"),
            "Have the server answer 200 to whoever asks, without a login.".to_owned(),
        ),
    };
    findings.fail(step, seen, PodSees::NoKey, fix);
    None
}

fn redirect(reply: &Reply, fetched: &Fetched) -> String {
    if reply.is_s3() {
        let region = reply.bucket_region.as_deref().unwrap_or("REGION");
        return format!(
            "The bucket is in another region than the host name says. Make the issuer \
             https://BUCKET.s3.{}.amazonaws.com, in --service-account-issuer of the API servers and in IAM too.",
            Line::new(region, SHOWN)
        );
    }
    format!(
        "Have {} serve the document itself, with 200: AWS reads this URL and no other. If the issuer is to be at the other URL, \
         make that the issuer, in --service-account-issuer of the API servers and in IAM too.",
        host(fetched)
    )
}

fn forbidden(reply: &Reply) -> String {
    if reply.is_s3() {
        return "Let everybody read the two objects: a bucket policy that allows s3:GetObject on their keys to the principal *, \
                and BlockPublicPolicy and RestrictPublicBuckets of Block Public Access off, for the bucket and the account. S3 \
                says the same of an object that does not exist: compare its key too."
            .to_owned();
    }
    "Let everybody read the document, without a login and from any address; if the API server itself serves it, bind the \
     ClusterRole system:service-account-issuer-discovery to the group system:unauthenticated."
        .to_owned()
}

fn missing(reply: &Reply, step: Step) -> String {
    if reply.has_code("NoSuchBucket") {
        return "Create the bucket, or correct its name in the issuer's URL.".to_owned();
    }
    if step == Step::Answer {
        return "Publish the discovery document at this path below the issuer, the issuer's own path included, without .json at \
                the end (pod-identity-webhook issuer publish)."
            .to_owned();
    }
    "Publish the keys at this path, or correct jwks_uri in the discovery document (pod-identity-webhook issuer publish)."
        .to_owned()
}

impl Reply {
    fn is_s3(&self) -> bool {
        self.bucket_region.is_some() || self.server.as_deref() == Some("AmazonS3")
    }

    /// Whether S3 gives this code for its error.
    fn has_code(&self, code: &str) -> bool {
        self.is_s3() && String::from_utf8_lossy(&self.body).contains(&format!("<Code>{code}</Code>"))
    }
}
