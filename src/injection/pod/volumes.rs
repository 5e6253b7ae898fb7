//! Reads a pod's volumes.

use serde::Deserialize;
use serde::de::{MapAccess, SeqAccess};

use super::super::json::{Array, Elements, Fold, Object, Slot, Text, skip};
use super::{Pod, Token, Volume};

/// `spec.volumes`: their names, and the tokens that are projected into them.
pub(super) struct Volumes<'f, 'de>(pub(super) &'f mut Pod<'de>);

impl<'de> Elements<'de> for Volumes<'_, 'de> {
    const WHAT: &'static str = "a list of volumes";

    fn element<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        let pod = &mut *self.0;
        let mut fold =
            VolumeFold { volume: Volume::default(), place: pod.volumes.len(), tokens: &mut pod.tokens };
        let more = seq.next_element_seed(Object(&mut fold))?.is_some();
        if more {
            pod.volumes.push(fold.volume);
        }
        Ok(more)
    }
}

struct VolumeFold<'f, 'de> {
    volume: Volume<'de>,
    place: usize,
    tokens: &'f mut Vec<Token<'de>>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum VolumeField {
    Name,
    Projected,
    #[serde(other)]
    Other,
}

impl<'de> Fold<'de> for VolumeFold<'_, 'de> {
    const WHAT: &'static str = "a volume";

    fn member<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        match map.next_key()? {
            None => return Ok(false),
            Some(VolumeField::Name) => self.volume.name = map.next_value_seed(Text)?,
            Some(VolumeField::Projected) => {
                let mut fold = ProjectedFold { place: self.place, tokens: self.tokens };
                map.next_value_seed(Object(&mut fold))?;
            }
            Some(VolumeField::Other) => skip(map)?,
        }
        Ok(true)
    }
}

struct ProjectedFold<'f, 'de> {
    place: usize,
    tokens: &'f mut Vec<Token<'de>>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum ProjectedField {
    Sources,
    #[serde(other)]
    Other,
}

impl<'de> Fold<'de> for ProjectedFold<'_, 'de> {
    const WHAT: &'static str = "a projected volume";

    fn member<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        match map.next_key()? {
            None => return Ok(false),
            Some(ProjectedField::Sources) => {
                let sources = Sources { place: self.place, tokens: self.tokens };
                map.next_value_seed(Array(sources))?;
            }
            Some(ProjectedField::Other) => skip(map)?,
        }
        Ok(true)
    }
}

struct Sources<'f, 'de> {
    place: usize,
    tokens: &'f mut Vec<Token<'de>>,
}

impl<'de> Elements<'de> for Sources<'_, 'de> {
    const WHAT: &'static str = "a list of projected sources";

    fn element<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        let mut fold =
            SourceFold { token: Token { volume: self.place, ..Token::default() }, slot: Slot::Absent };
        let more = seq.next_element_seed(Object(&mut fold))?.is_some();
        if fold.slot.is_present() {
            self.tokens.push(fold.token);
        }
        Ok(more)
    }
}

struct SourceFold<'de> {
    token: Token<'de>,
    slot: Slot,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum SourceField {
    ServiceAccountToken,
    #[serde(other)]
    Other,
}

impl<'de> Fold<'de> for SourceFold<'de> {
    const WHAT: &'static str = "a projected source";

    fn member<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        match map.next_key()? {
            None => return Ok(false),
            Some(SourceField::ServiceAccountToken) => {
                self.slot = map.next_value_seed(Object(&mut TokenFold(&mut self.token)))?;
            }
            Some(SourceField::Other) => skip(map)?,
        }
        Ok(true)
    }
}

struct TokenFold<'f, 'de>(&'f mut Token<'de>);

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum TokenField {
    Audience,
    Path,
    #[serde(other)]
    Other,
}

impl<'de> Fold<'de> for TokenFold<'_, 'de> {
    const WHAT: &'static str = "a service account token source";

    fn member<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        match map.next_key()? {
            None => return Ok(false),
            Some(TokenField::Audience) => self.0.audience = map.next_value_seed(Text)?,
            Some(TokenField::Path) => self.0.path = map.next_value_seed(Text)?,
            Some(TokenField::Other) => skip(map)?,
        }
        Ok(true)
    }
}
