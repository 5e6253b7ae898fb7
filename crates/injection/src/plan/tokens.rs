//! What the files are that containers name as their token: one of the pod's, something of their own, or nothing.

use alloc::borrow::Cow;
use alloc::collections::BTreeSet;

use super::super::go::path::clean;
use super::super::path;
use super::super::pod::{Mount, Platform, Pod};

/// The tokens of a pod that have the right audience.
pub(super) struct Tokens<'a> {
    /// The volume that was chosen.
    chosen: Cow<'a, str>,
    /// The volume and the cleaned path of each; of those that are projected twice, one.
    files: BTreeSet<(Cow<'a, str>, Cow<'a, str>)>,
    platform: Platform,
}

/// What a file is in a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum File {
    /// A token of the pod: that of the volume that was chosen, or one at the usual place.
    Token,
    /// Another token of the pod, which somebody projected for the container.
    OwnToken,
    /// There is none: it is in a volume of tokens, and not one of them; or at the usual place, and nothing is mounted
    /// there.
    Missing,
    /// It is no token that can be seen: the image may have it, or another volume.
    Other,
}

impl<'a> Tokens<'a> {
    /// Those of a pod on nodes of this platform; `chosen` is the name of the volume that containers are to mount.
    pub(super) fn of(pod: &'a Pod<'a>, audience: &str, chosen: Cow<'a, str>, platform: Platform) -> Self {
        let tokens = pod.tokens().filter(|(_, token)| token.audience == *audience);
        let files =
            tokens.map(|(volume, token)| (Cow::Borrowed(&*volume.name), cleaned(&token.path, platform)));
        Self { chosen, files: files.collect(), platform }
    }

    /// Adds the token of the chosen volume, if that is to be added.
    pub(super) fn add(&mut self, token_path: &'a str) {
        self.files.insert((self.chosen.clone(), cleaned(token_path, self.platform)));
    }

    /// What `file` is in a container with these mounts, and with those of [`Self::add`] at `added`: volume and path.
    /// `usual` is the file's usual place.
    pub(super) fn file(
        &self,
        file: &str,
        mounts: &[Mount<'_>],
        added: Option<(&str, &str)>,
        usual: &str,
    ) -> File {
        let (file, usual) = (path::place(file, self.platform), path::place(usual, self.platform));
        let whole = mounts.iter().map(|mount| (&*mount.volume, &*mount.path, mount.is_sub_path));
        let all = whole.chain(added.map(|(volume, path)| (volume, path, false)));
        // Of mounts that lie in each other the innermost counts.
        let mut innermost: Option<(usize, File)> = None;
        for (volume, mount, is_sub_path) in all {
            let place = path::place(mount, self.platform);
            let Some(rest) = below(&file, &place) else {
                continue;
            };
            let is_token =
                || !is_sub_path && self.files.contains(&(Cow::Borrowed(volume), Cow::Borrowed(rest)));
            let what = if is_token() {
                if volume == self.chosen || file == usual { File::Token } else { File::OwnToken }
            } else if !is_sub_path && self.is_of_tokens(volume) {
                File::Missing
            } else {
                File::Other
            };
            if innermost.is_none_or(|(length, _)| length <= place.len()) {
                innermost = Some((place.len(), what));
            }
        }
        match innermost {
            Some((_, what)) => what,
            None if file == usual => File::Missing,
            None => File::Other,
        }
    }

    /// Whether the container mounts any of the tokens.
    pub(super) fn has_any(&self, mounts: &[Mount<'_>]) -> bool {
        mounts.iter().any(|mount| !mount.is_sub_path && self.is_of_tokens(&mount.volume))
    }

    fn is_of_tokens(&self, volume: &str) -> bool {
        let first = self.files.range((Cow::Borrowed(volume), Cow::Borrowed(""))..).next();
        first.is_some_and(|(name, _)| *name == volume)
    }
}

/// The path of a token as it stands below a place: see [`path::place`].
fn cleaned(token_path: &str, platform: Platform) -> Cow<'_, str> {
    match platform {
        Platform::Linux => clean(token_path).into(),
        Platform::Windows => Cow::Owned(clean(token_path).replace('/', "\\").to_ascii_lowercase()),
    }
}

/// What is left of a place below another one.
fn below<'f>(file: &'f str, folder: &str) -> Option<&'f str> {
    let rest = file.strip_prefix(folder)?;
    // A root ends in its separator itself.
    if folder.ends_with(['/', '\\']) { Some(rest) } else { rest.strip_prefix(['/', '\\']) }
}
