//! Lists in pages. A page goes on after the last association of the one before it, so that none is left out or told
//! twice when others are made or deleted meanwhile.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::{ErrorName, Quoted, ServiceError};
use super::query::Query;

/// The entries of a page where the caller does not say how many, and the most that he may ask for: EKS's.
const MOST: usize = 100;

/// The first byte of a token: what follows it may have another form one day.
const VERSION: u8 = 1;

/// Bytes of the digest in a token. It tells mistakes, not forgeries: whoever makes a token up begins a list
/// somewhere else, as he may.
const CHECKSUM: usize = 8;

/// Largest token that is decoded: of the longest names (63 and 253), four characters for three bytes.
const LONGEST: usize = (1 + CHECKSUM + 63 + 1 + 253).div_ceil(3) * 4;

/// Which page is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// The most entries, 1 to 100.
    pub max_results: usize,
    /// After which entry it begins; `None` for the first page.
    pub after: Option<Cursor>,
}

/// The last entry of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Its namespace.
    pub namespace: String,
    /// Its ServiceAccount.
    pub service_account: String,
}

impl PageRequest {
    pub(super) fn read(query: &Query) -> Result<Self, ServiceError> {
        let after = query.one("nextToken")?.map(Cursor::decode).transpose()?;
        Ok(Self { max_results: max_results(query)?, after })
    }

    /// The entries of the page and the token of the next one, out of entries that are sorted by namespace and then
    /// by ServiceAccount, which `key` names.
    pub fn cut<'a, T>(&self, sorted: &'a [T], key: impl Fn(&T) -> (&str, &str)) -> (&'a [T], Option<String>) {
        let start = self.after.as_ref().map_or(0, |Cursor { namespace, service_account }| {
            let last = (namespace.as_str(), service_account.as_str());
            sorted.partition_point(|entry| key(entry) <= last)
        });
        let left = sorted.get(start..).unwrap_or_default();
        let page = left.get(..self.max_results).unwrap_or(left);
        let last = page.last().filter(|_| page.len() < left.len());
        (page, last.map(|entry| Cursor::new(key(entry)).encode()))
    }
}

impl Cursor {
    fn new((namespace, service_account): (&str, &str)) -> Self {
        Self { namespace: namespace.to_owned(), service_account: service_account.to_owned() }
    }

    /// The token of the page that follows.
    #[must_use]
    pub fn encode(&self) -> String {
        let key = format!("{}/{}", self.namespace, self.service_account);
        let mut token = vec![VERSION];
        token.extend(checksum(key.as_bytes()));
        token.extend(key.as_bytes());
        URL_SAFE_NO_PAD.encode(token)
    }

    /// Reads a token that an earlier page had.
    pub fn decode(token: &str) -> Result<Self, ServiceError> {
        let cursor = (token.len() <= LONGEST).then(|| Self::decoded(token)).flatten();
        cursor.ok_or_else(|| {
            let message = "The nextToken is not one that this endpoint gave: begin with the first page.";
            ErrorName::InvalidParameter.error(message)
        })
    }

    fn decoded(token: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (version, rest) = bytes.split_first()?;
        let (sum, key) = rest.split_at_checked(CHECKSUM)?;
        if *version != VERSION || !checksum(key).eq(sum.iter().copied()) {
            return None;
        }
        Some(Self::new(std::str::from_utf8(key).ok()?.split_once('/')?))
    }
}

/// The parameter `maxResults`.
pub(super) fn max_results(query: &Query) -> Result<usize, ServiceError> {
    let Some(text) = query.one("maxResults")? else { return Ok(MOST) };
    let is_number = text.bytes().all(|c| c.is_ascii_digit());
    let number = text.parse().ok().filter(|number| is_number && (1..=MOST).contains(number));
    number.ok_or_else(|| {
        let message = format!("maxResults must be a number from 1 to {MOST}, and is '{}'.", Quoted(text));
        ErrorName::InvalidParameter.error(message)
    })
}

/// The first bytes of the key's digest.
fn checksum(key: &[u8]) -> impl Iterator<Item = u8> {
    let digest = digest(&SHA256, key);
    (0..CHECKSUM).filter_map(move |index| digest.as_ref().get(index).copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRIES: [(&str, &str); 5] = [("a", "b"), ("a", "c"), ("a-b", "a"), ("b", "a"), ("b", "z.y")];

    fn pages(max_results: usize) -> Vec<Vec<(&'static str, &'static str)>> {
        let mut request = PageRequest { max_results, after: None };
        let mut pages = Vec::new();
        // No more than there are entries: pages that do not go on would have no end.
        for _ in ENTRIES {
            let (page, token) = request.cut(&ENTRIES, |entry| *entry);
            pages.push(page.to_vec());
            let Some(token) = token else { return pages };
            request.after = Some(Cursor::decode(&token).unwrap());
        }
        panic!("another page after {pages:?}");
    }

    #[test]
    fn pages_have_every_entry_once_and_the_last_one_has_no_token() {
        for (max_results, sizes) in [(1, &[1, 1, 1, 1, 1][..]), (2, &[2, 2, 1]), (5, &[5]), (100, &[5])] {
            let pages = pages(max_results);
            assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), sizes);
            assert_eq!(pages.concat(), ENTRIES);
        }
        let request = PageRequest { max_results: 5, after: None };
        assert_eq!(request.cut(&[], |entry: &(&str, &str)| *entry), (&[][..], None));
    }

    #[test]
    fn page_goes_on_where_its_cursor_was_deleted() {
        let after = Some(Cursor::new(("a", "bb")));
        let (page, _) = PageRequest { max_results: 1, after }.cut(&ENTRIES, |entry| *entry);
        assert_eq!(page, [("a", "c")]);
        let after = Some(Cursor::new(("z", "z")));
        let (page, token) = PageRequest { max_results: 1, after }.cut(&ENTRIES, |entry| *entry);
        assert_eq!((page, token), (&[][..], None));
    }

    #[test]
    fn token_of_the_longest_names_is_read_again() {
        let longest = Cursor { namespace: "n".repeat(63), service_account: "s".repeat(253) };
        assert_eq!(Cursor::decode(&longest.encode()), Ok(longest));
    }

    #[test]
    fn token_with_any_character_changed_is_refused() {
        let token = Cursor::new(("shop", "orders")).encode();
        for index in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            let error = Cursor::decode(&changed).unwrap_err();
            assert_eq!(error.name, ErrorName::InvalidParameter, "{changed}");
        }
        let too_long = Cursor { namespace: "n".repeat(63), service_account: "s".repeat(257) };
        for token in ["", "x", "AQ", &token[1..], &format!("{token}="), &too_long.encode()] {
            assert!(Cursor::decode(token).is_err(), "{token}");
        }
    }

    #[test]
    fn token_of_another_version_or_without_two_names_is_refused() {
        let token = |version: u8, key: &str| {
            let bytes: Vec<u8> =
                [version].into_iter().chain(checksum(key.as_bytes())).chain(key.bytes()).collect();
            URL_SAFE_NO_PAD.encode(bytes)
        };
        assert!(Cursor::decode(&token(VERSION, "a/b")).is_ok());
        assert!(Cursor::decode(&token(VERSION + 1, "a/b")).is_err());
        assert!(Cursor::decode(&token(VERSION, "a")).is_err());
    }

    #[test]
    fn max_results_is_1_to_100() {
        let read = |text: &str| max_results(&Query::read(Some(text), ErrorName::BadRequest).unwrap());
        for (text, expected) in [
            ("", 100),
            ("maxResults=", 100),
            ("maxResults=1", 1),
            ("maxResults=100", 100),
            ("maxResults=007", 7),
        ] {
            assert_eq!(read(text), Ok(expected));
        }
        for text in ["0", "101", "-1", "+1", "1.0", "x", "99999999999999999999999"] {
            let error = read(&format!("maxResults={text}")).unwrap_err();
            assert_eq!(error.name, ErrorName::InvalidParameter);
            assert!(error.message.contains(text), "{error}");
        }
    }
}
