//! The credentials that were issued, in memory: they end with the process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::caller::Caller;
use crate::refusal::Refusal;
use crate::role::{RoleArn, base32};
use crate::tags::Tags;

/// What a client signs with.
#[derive(Clone)]
pub struct Credentials {
    /// `ASIA` and sixteen letters and digits.
    pub access_key_id: String,
    /// Forty characters.
    pub secret_access_key: String,
    /// The token that is sent with each request.
    pub session_token: String,
}

/// Credentials, whose they are and until when.
#[derive(Debug)]
pub struct Session {
    /// What was issued.
    pub credentials: Credentials,
    /// The assumed role.
    pub role: RoleArn,
    /// The role's session.
    pub caller: Caller,
    /// Its tags, also those that it inherited.
    pub tags: Tags,
    /// When they expire, in seconds since the epoch.
    pub expiration: i64,
}

/// All sessions of this process.
#[derive(Debug, Default)]
pub struct Sessions(Mutex<HashMap<String, Arc<Session>>>);

impl Credentials {
    /// New credentials, made of nothing but randomness.
    pub fn random() -> Result<Self, Refusal> {
        Ok(Self {
            access_key_id: format!("ASIA{}", base32(&random::<16>()?)),
            secret_access_key: STANDARD.encode(random::<30>()?),
            session_token: STANDARD.encode(random::<90>()?),
        })
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Credentials").field(&self.access_key_id).finish()
    }
}

impl Sessions {
    /// Keeps a session until an hour after its end, so that its use is told from an unknown key's.
    pub fn keep(&self, session: Session, now: i64) {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, kept| kept.expiration + 3600 > now);
        sessions.insert(session.credentials.access_key_id.clone(), Arc::new(session));
    }

    /// The session of a key, if the session token goes with it.
    pub fn find(&self, access_key_id: &str, session_token: &str, now: i64) -> Result<Arc<Session>, Refusal> {
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match sessions.get(access_key_id) {
            Some(session) if session.credentials.session_token != session_token => {
                Err(Refusal::UnknownCredentials)
            }
            Some(session) if session.expiration <= now => Err(Refusal::ExpiredCredentials),
            Some(session) => Ok(session.clone()),
            None => Err(Refusal::UnknownCredentials),
        }
    }
}

/// Random bytes.
pub(crate) fn random<const LENGTH: usize>() -> Result<[u8; LENGTH], Refusal> {
    let mut bytes = [0; LENGTH];
    rand::fill(&mut bytes).map_err(|_| Refusal::Internal("no randomness".to_owned()))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_session_by_key_and_token_until_its_end() {
        let (sessions, credentials) = (Sessions::default(), Credentials::random().unwrap());
        let role: RoleArn = "arn:aws:iam::111122223333:role/checkout".parse().unwrap();
        let (caller, tags) = (Caller::of(&role, "one"), Tags::default());
        sessions.keep(Session { credentials: credentials.clone(), role, caller, tags, expiration: 1000 }, 0);
        let Credentials { access_key_id: key, session_token: token, .. } = &credentials;
        assert!(sessions.find(key, token, 999).is_ok());
        assert_eq!(sessions.find(key, token, 1000).unwrap_err(), Refusal::ExpiredCredentials);
        assert_eq!(sessions.find(key, "other", 0).unwrap_err(), Refusal::UnknownCredentials);
        assert_eq!(sessions.find("ASIAOTHER", token, 0).unwrap_err(), Refusal::UnknownCredentials);
    }

    #[test]
    fn credentials_have_the_lengths_of_real_ones_and_stay_out_of_debug_output() {
        let credentials = Credentials::random().unwrap();
        assert!(credentials.access_key_id.starts_with("ASIA"));
        assert_eq!(credentials.access_key_id.len(), 20);
        assert_eq!(credentials.secret_access_key.len(), 40);
        let shown = format!("{credentials:?}");
        assert!(
            !shown.contains(&credentials.secret_access_key) && !shown.contains(&credentials.session_token)
        );
    }
}
