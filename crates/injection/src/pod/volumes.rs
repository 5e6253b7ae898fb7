//! Reads a pod's volumes.

use alloc::vec::Vec;

use serde::Deserialize;
use serde::de::{MapAccess, SeqAccess};

use super::super::excess::{self, Excess};
use super::super::json::{Array, Elements, Fold, Object, Slot, Text, integer, skip};
use super::containers::pass_over;
use super::{Pod, Token, Volume};

/// `spec.volumes`: their names, and the tokens that are projected into them.
pub(super) struct Volumes<'f, 'de>(pub(super) &'f mut Pod<'de>);

impl<'de> Elements<'de> for Volumes<'_, 'de> {
    const WHAT: &'static str = "a list of volumes";

    fn element<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        let pod = &mut *self.0;
        if pod.volumes.len() >= excess::VOLUMES {
            return pass_over(seq, &mut pod.excess, Excess::Volumes);
        }
        let tokens = Tokens { all: &mut pod.tokens, place: pod.volumes.len(), excess: &mut pod.excess };
        let mut fold = VolumeFold { volume: Volume::default(), tokens };
        let more = seq.next_element_seed(Object(&mut fold))?.is_some();
        if more {
            pod.volumes.push(fold.volume);
        }
        Ok(more)
    }
}

struct VolumeFold<'f, 'de> {
    volume: Volume<'de>,
    tokens: Tokens<'f, 'de>,
}

/// The tokens of all volumes so far, and the place of the volume that is being read.
struct Tokens<'f, 'de> {
    all: &'f mut Vec<Token<'de>>,
    place: usize,
    excess: &'f mut Option<Excess>,
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
                let mut fold = ProjectedFold { tokens: &mut self.tokens, mode: &mut self.volume.mode };
                map.next_value_seed(Object(&mut fold))?;
            }
            Some(VolumeField::Other) => skip(map)?,
        }
        Ok(true)
    }
}

struct ProjectedFold<'t, 'f, 'de> {
    tokens: &'t mut Tokens<'f, 'de>,
    mode: &'t mut Option<i64>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum ProjectedField {
    Sources,
    DefaultMode,
    #[serde(other)]
    Other,
}

impl<'de> Fold<'de> for ProjectedFold<'_, '_, 'de> {
    const WHAT: &'static str = "a projected volume";

    fn member<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        match map.next_key()? {
            None => return Ok(false),
            Some(ProjectedField::Sources) => {
                map.next_value_seed(Array(TokenSources(self.tokens)))?;
            }
            Some(ProjectedField::DefaultMode) => *self.mode = integer(map)?,
            Some(ProjectedField::Other) => skip(map)?,
        }
        Ok(true)
    }
}

struct TokenSources<'t, 'f, 'de>(&'t mut Tokens<'f, 'de>);

impl<'de> Elements<'de> for TokenSources<'_, '_, 'de> {
    const WHAT: &'static str = "a list of projected sources";

    fn element<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        let Tokens { all, place, excess } = &mut *self.0;
        if all.len() >= excess::TOKENS {
            return pass_over(seq, excess, Excess::Tokens);
        }
        let mut fold = SourceFold { token: Token { volume: *place, ..Token::default() }, slot: Slot::Absent };
        let more = seq.next_element_seed(Object(&mut fold))?.is_some();
        if fold.slot.is_present() {
            all.push(fold.token);
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
    ExpirationSeconds,
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
            Some(TokenField::ExpirationSeconds) => self.0.lifetime = integer(map)?,
            Some(TokenField::Path) => self.0.path = map.next_value_seed(Text)?,
            Some(TokenField::Other) => skip(map)?,
        }
        Ok(true)
    }
}
