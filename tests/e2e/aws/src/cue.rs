//! Errors on cue: a file names the code with which every call for credentials fails, until it does not.

use std::io::ErrorKind;
use std::path::PathBuf;

use crate::refusal::Refusal;

/// Codes of STS that a client can meet where nothing is wrong with what it sent, and their statuses.
const STS: [(&str, u16); 11] = [
    ("AccessDenied", 403),
    ("ExpiredTokenException", 400),
    ("IDPCommunicationError", 400),
    ("IDPRejectedClaim", 403),
    ("InternalFailure", 500),
    ("InvalidIdentityToken", 400),
    ("MalformedPolicyDocument", 400),
    ("PackedPolicyTooLarge", 400),
    ("RegionDisabledException", 403),
    ("ServiceUnavailable", 503),
    ("Throttling", 400),
];

/// Those of EKS Auth.
const EKS_AUTH: [(&str, u16); 9] = [
    ("AccessDeniedException", 400),
    ("ExpiredTokenException", 400),
    ("InternalServerException", 500),
    ("InvalidParameterException", 400),
    ("InvalidRequestException", 400),
    ("InvalidTokenException", 400),
    ("ResourceNotFoundException", 404),
    ("ServiceUnavailableException", 503),
    ("ThrottlingException", 429),
];

/// Where the code is; without a file no call fails.
#[derive(Debug, Default)]
pub struct Cue(pub Option<PathBuf>);

impl Cue {
    /// An error if the file names a code of STS.
    pub fn sts(&self) -> Result<(), Refusal> {
        self.fail_with(&STS)
    }

    /// An error if the file names a code of EKS Auth.
    pub fn eks_auth(&self) -> Result<(), Refusal> {
        self.fail_with(&EKS_AUTH)
    }

    /// A code of the other service is not this one's; a code of neither is a mistake, and told as one.
    fn fail_with(&self, codes: &[(&'static str, u16)]) -> Result<(), Refusal> {
        let Some(wanted) = self.read()? else { return Ok(()) };
        if let Some((code, status)) = codes.iter().find(|(code, _)| *code == wanted) {
            return Err(Refusal::OnCue { code, status: *status });
        }
        if STS.iter().chain(&EKS_AUTH).any(|(code, _)| *code == wanted) {
            return Ok(());
        }
        Err(Refusal::Internal(format!("the file of --fail names no error that is known: {wanted:?}")))
    }

    fn read(&self) -> Result<Option<String>, Refusal> {
        let Some(path) = &self.0 else { return Ok(None) };
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Some(text.trim().to_owned()).filter(|code| !code.is_empty())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Refusal::Internal(format!("failed to read {}: {error}", path.display()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fails_with_the_files_code_while_it_has_one() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("fail");
        let cue = Cue(Some(path.clone()));
        let code = |outcome: Result<(), Refusal>| {
            outcome.map_or_else(|refusal| (refusal.code(), refusal.status()), |()| ("", 0))
        };
        assert_eq!((code(cue.sts()), code(cue.eks_auth())), (("", 0), ("", 0)), "no file");
        for (text, sts, eks_auth) in [
            ("", ("", 0), ("", 0)),
            ("\n", ("", 0), ("", 0)),
            ("Throttling\n", ("Throttling", 400), ("", 0)),
            ("ServiceUnavailable", ("ServiceUnavailable", 503), ("", 0)),
            ("ThrottlingException", ("", 0), ("ThrottlingException", 429)),
            ("ExpiredTokenException", ("ExpiredTokenException", 400), ("ExpiredTokenException", 400)),
            ("Throtling", ("InternalFailure", 500), ("InternalFailure", 500)),
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!((code(cue.sts()), code(cue.eks_auth())), (sts, eks_auth), "{text:?}");
        }
        assert_eq!(code(Cue::default().sts()), ("", 0), "no flag");
        assert_eq!(code(Cue(Some(folder.path().to_owned())).sts()), ("InternalFailure", 500), "a folder");
    }
}
