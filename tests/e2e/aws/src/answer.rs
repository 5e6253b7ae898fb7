//! The XML of the query protocol, as STS writes it.

use crate::authority::Issued;
use crate::caller::Caller;
use crate::refusal::Refusal;
use crate::web_identity::Assumed;
use crate::xml::Xml;

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// A successful call's result.
#[derive(Debug)]
pub enum Answer {
    /// Credentials for a token.
    WithWebIdentity(Assumed),
    /// Credentials for a request that others signed.
    Role(Issued),
    /// Whose credentials signed the request.
    Caller(Caller),
}

impl Answer {
    /// The response's body.
    #[must_use]
    pub fn xml(&self, request_id: &str) -> String {
        match self {
            Self::WithWebIdentity(assumed) => response("AssumeRoleWithWebIdentity", request_id, |xml| {
                xml.text("Audience", &assumed.audience);
                session(xml, &assumed.issued);
                xml.text("Provider", &assumed.provider);
                xml.text("SubjectFromWebIdentityToken", &assumed.subject);
            }),
            Self::Role(issued) => response("AssumeRole", request_id, |xml| session(xml, issued)),
            Self::Caller(caller) => response("GetCallerIdentity", request_id, |xml| {
                xml.text("Arn", &caller.arn);
                xml.text("UserId", &caller.user_id);
                xml.text("Account", &caller.account);
            }),
        }
    }
}

impl Refusal {
    /// The response's body.
    #[must_use]
    pub fn xml(&self, request_id: &str) -> String {
        let mut xml = Xml(format!("<ErrorResponse xmlns=\"{NAMESPACE}\">"));
        xml.nest("Error", |xml| {
            xml.text("Type", if self.status() < 500 { "Sender" } else { "Receiver" });
            xml.text("Code", self.code());
            xml.text("Message", &self.to_string());
        });
        xml.text("RequestId", request_id);
        xml.0.push_str("</ErrorResponse>\n");
        xml.0
    }
}

fn response(action: &str, request_id: &str, result: impl FnOnce(&mut Xml)) -> String {
    let mut xml = Xml(format!("<{action}Response xmlns=\"{NAMESPACE}\">"));
    xml.nest(&format!("{action}Result"), result);
    xml.nest("ResponseMetadata", |xml| xml.text("RequestId", request_id));
    xml.0.extend(["</", action, "Response>\n"]);
    xml.0
}

fn session(xml: &mut Xml, issued: &Issued) {
    xml.nest("AssumedRoleUser", |xml| {
        xml.text("AssumedRoleId", &issued.caller.user_id);
        xml.text("Arn", &issued.caller.arn);
    });
    xml.nest("Credentials", |xml| {
        xml.text("AccessKeyId", &issued.credentials.access_key_id);
        xml.text("SecretAccessKey", &issued.credentials.secret_access_key);
        xml.text("SessionToken", &issued.credentials.session_token);
        xml.text("Expiration", &issued.expires_at);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_a_caller_sent() {
        let refusal = Refusal::InvalidAction { action: "<a&\"b\">\u{1}".to_owned(), version: String::new() };
        assert_eq!(
            refusal.xml("0-0"),
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
             <Code>InvalidAction</Code><Message>Could not find operation &lt;a&amp;&quot;b&quot;&gt;\u{fffd} for \
             version </Message></Error><RequestId>0-0</RequestId></ErrorResponse>\n"
        );
    }
}
