//! What a scalar's text means, as kubectl's reader (goyaml.v2, YAML 1.1) decides it: `0644` is
//! 420, `on` is true, a date is a string. Pure; `compose` calls it for values and keys, `quote`
//! to find out which strings need quotes.

use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine, alphabet};
use injection::go;
use serde_json::{Number, Value};

use super::error::Problem;
use super::tree::Style;

/// A scalar's meaning. Keys need the kinds that JSON values do not tell apart.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    /// A number above the range of `i64`.
    Uint(u64),
    Float(f64),
    Text(String),
}

const BINARY: &str = "tag:yaml.org,2002:binary";
const INT: &str = "tag:yaml.org,2002:int";
const FLOAT: &str = "tag:yaml.org,2002:float";
const BOOL: &str = "tag:yaml.org,2002:bool";
const NULL: &str = "tag:yaml.org,2002:null";
const TIMESTAMP: &str = "tag:yaml.org,2002:timestamp";

/// Resolves a scalar. A quoted one without a tag is text; a tag decides even for a quoted one.
pub(super) fn resolve(text: &str, style: Style, tag: Option<&str>) -> Result<Scalar, Problem> {
    let as_text = || Scalar::Text(text.to_owned());
    let Some(tag) = tag else {
        return Ok(if style == Style::Plain { implicit(text) } else { as_text() });
    };
    let found = implicit(text);
    let fitting = match (tag, found) {
        (INT, found @ (Scalar::Int(_) | Scalar::Uint(_)))
        | (FLOAT, found @ Scalar::Float(_))
        | (BOOL, found @ Scalar::Bool(_))
        | (NULL, found @ Scalar::Null) => Some(found),
        #[expect(clippy::cast_precision_loss, reason = "goyaml converts the same way")]
        (FLOAT, Scalar::Int(int)) => Some(Scalar::Float(int as f64)),
        (TIMESTAMP, Scalar::Text(_)) if starts_with_year(text) => Some(as_text()),
        (INT | FLOAT | BOOL | NULL | TIMESTAMP, _) => None,
        (BINARY, _) => decode_base64(text).map(|bytes| Scalar::Text(lossy(&bytes))),
        // `!!str` and tags that YAML does not define leave the text as it is.
        _ => Some(as_text()),
    };
    fitting
        .ok_or_else(|| Problem::Tag { tag: tag.replace("tag:yaml.org,2002:", "!!"), text: text.to_owned() })
}

fn implicit(text: &str) -> Scalar {
    if let Some(word) = word(text) {
        return word;
    }
    let number = match text.bytes().next() {
        // goyaml hands this one to Go's float reader as it is, which is stricter on underscores.
        Some(b'.') if underscores_join_digits(text) => float(&text.replace('_', "")),
        Some(b'0'..=b'9' | b'+' | b'-') => {
            let digits = text.replace('_', "");
            integer(&digits).or_else(|| float(&digits)).or_else(|| signed_binary(&digits))
        }
        _ => None,
    };
    number.unwrap_or_else(|| Scalar::Text(text.to_owned()))
}

fn word(text: &str) -> Option<Scalar> {
    Some(match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Scalar::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Scalar::Bool(false)
        }
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
        _ => return None,
    })
}

/// A number that does not fit, or has a sign where it fits unsigned alone, goes on as a float.
fn integer(text: &str) -> Option<Scalar> {
    go::integer(text).map(Scalar::Int).or_else(|| go::unsigned(text).map(Scalar::Uint))
}

/// A sign behind the `0b` prefix, which goyaml's second look at binary numbers lets through.
fn signed_binary(text: &str) -> Option<Scalar> {
    let digits = text.strip_prefix("0b")?;
    i64::from_str_radix(digits, 2).ok().map(Scalar::Int)
}

fn underscores_join_digits(text: &str) -> bool {
    let parts = || text.split('_');
    let digit_ends = |part: &str| part.ends_with(|last: char| last.is_ascii_digit());
    let digit_starts = |part: &str| part.starts_with(|first: char| first.is_ascii_digit());
    let last = parts().count() - 1;
    parts().take(last).all(digit_ends) && parts().skip(1).all(digit_starts)
}

fn float(text: &str) -> Option<Scalar> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_fits = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) || !exponent_fits {
        return None;
    }
    // Go reports a number out of range as an error, and the scalar stays text.
    let float = text.parse::<f64>().ok().filter(|float| float.is_finite())?;
    Some(Scalar::Float(float))
}

/// goyaml checks a tagged timestamp's whole form; manifests do not use the tag, so a look at the
/// year must do.
fn starts_with_year(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    digits == 4 && text.as_bytes().get(4) == Some(&b'-')
}

impl Scalar {
    /// The JSON value as Go's JSON writer has it: a float without a fraction becomes an integer (`1.0`
    /// and `1e3` become `1` and `1000`).
    pub(super) fn into_value(self) -> Result<Value, Problem> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(bool) => Value::Bool(bool),
            Self::Int(int) => int.into(),
            Self::Uint(uint) => uint.into(),
            Self::Float(float) => Value::Number(json_float(float)?),
            Self::Text(text) => Value::String(text),
        })
    }

    /// The text that sigs.k8s.io/yaml makes of a key, or `None` where it refuses the key.
    pub(super) fn into_key(self) -> Option<String> {
        match self {
            Self::Null | Self::Uint(_) => None,
            Self::Bool(bool) => Some(bool.to_string()),
            Self::Int(int) => Some(int.to_string()),
            Self::Float(float) => Some(key_float(float)),
            Self::Text(text) => Some(text),
        }
    }
}

fn json_float(float: f64) -> Result<Number, Problem> {
    // From here on Go writes an exponent, which reads back as a float.
    const EXPONENT_FROM: f64 = 1e21;
    if float.fract() == 0.0 && float.abs() < EXPONENT_FROM {
        // The shortest digits that name the float, then zeros; Go writes the same.
        let digits = float.to_string();
        if let Ok(int) = digits.parse::<i64>() {
            return Ok(int.into());
        }
        if let Ok(uint) = digits.parse::<u64>() {
            return Ok(uint.into());
        }
    }
    Number::from_f64(float).ok_or_else(|| Problem::Number(key_float(float)))
}

/// Go's `FormatFloat(x, 'g', -1, 32)`: the shortest digits of the 32-bit float, with an exponent
/// of at least two digits below 1e-4 and from 1e6 on.
#[expect(clippy::cast_possible_truncation, reason = "sigs.k8s.io/yaml prints keys with 32 bits")]
fn key_float(float: f64) -> String {
    let float = float as f32;
    if float.is_nan() {
        return ".nan".to_owned();
    }
    if float.is_infinite() {
        return if float > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{float:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return format!("{float}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// Standard base64 with padding, as Go's decoder reads it: line breaks are skipped and stray bits
/// in the last group are ignored.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    const STRAY_BITS: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
    const DECODER: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, STRAY_BITS);
    let symbols: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    DECODER.decode(symbols).ok()
}

/// Go's JSON writer puts U+FFFD for every byte that is not UTF-8, where Rust's lossy conversion
/// puts one for a run of them.
fn lossy(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text
}
