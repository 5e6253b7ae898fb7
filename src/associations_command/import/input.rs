//! Where `import` reads from: files, or the resources of a controller.

use std::io::Read;
use std::path::{Path, PathBuf};

use kube::Client;
use kube::api::DynamicObject;
use manifests::Document;
use serde_json::Value;
use serde_json::value::RawValue;

use super::entry::{Reading, Unusable, of_cli, of_object};
use crate::identities::offline::{Location, files};
use crate::identities::sources::association_resources::{Controller, Kind};
use crate::kubernetes::{Collection, WatchError, list};

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Input {
    pub(super) readings: Vec<Reading>,
    /// How many documents and objects are something else.
    pub(super) others: usize,
}

impl Input {
    /// Reads files and folders; what cannot be read stops nothing else. `namespace` is for objects without one.
    pub(super) fn of_files(paths: &[PathBuf], namespace: &str) -> Self {
        let mut input = Self::default();
        for path in paths {
            let all = if path == Path::new("-") { Ok(vec![path.clone()]) } else { files(path) };
            match all {
                Ok(all) => all.iter().for_each(|file| input.add_file(file, namespace)),
                Err(error) => input.readings.push(Err(unreadable(path, &error))),
            }
        }
        input
    }

    fn add_file(&mut self, file: &Path, namespace: &str) {
        let (file, text) = if file == Path::new("-") {
            let mut text = String::new();
            let read = std::io::stdin().read_to_string(&mut text).map(|_| text);
            (Path::new("standard input"), read)
        } else {
            (file, std::fs::read_to_string(file))
        };
        let text = match text {
            Ok(text) => text,
            Err(error) => return self.readings.push(Err(unreadable(file, &error))),
        };
        match manifests::parse(&text) {
            Ok(stream) => stream.documents().iter().for_each(|document| self.add(file, document, namespace)),
            Err(error) => self.readings.push(Err(unreadable(file, &error))),
        }
    }

    fn add(&mut self, file: &Path, document: &Document, namespace: &str) {
        let place = Location::of(file, document).to_string();
        if let Some(readings) = of_cli(document.value(), &place) {
            return self.readings.extend(readings);
        }
        for object in document.objects() {
            match of_object((object.version, object.kind), object.value, namespace, &place) {
                Some(reading) => self.readings.push(reading),
                None => self.others += 1,
            }
        }
    }

    /// Reads the resources of a controller; the names of its kinds are the error if the cluster has none of them.
    pub(super) async fn of_controller(
        client: &Client,
        controller: Controller,
        namespace: Option<&str>,
    ) -> Result<Result<Self, String>, WatchError> {
        let mut input = Self::default();
        let mut is_served = false;
        for kind in Kind::of(controller) {
            let Some(served) = kind.served(client).await? else { continue };
            is_served = true;
            let collection = Collection::of::<DynamicObject>(&served, None);
            let versioned = (served.api_version.as_str(), served.kind.as_str());
            let what = "resources of a controller";
            let read = |object: &RawValue| {
                let object: Value = collection.read(object)?;
                Ok(of_object(versioned, &object, namespace.unwrap_or_default(), &kind.name()))
            };
            let found = list(client, &collection, what, None, read).await?;
            input.readings.extend(found.into_iter().flatten());
        }
        let names = || Kind::of(controller).iter().map(Kind::name).collect::<Vec<_>>().join(" and ");
        Ok(if is_served { Ok(input) } else { Err(names()) })
    }
}

fn unreadable(path: &Path, error: &dyn std::error::Error) -> Unusable {
    let why = error.to_string();
    let place = path.display().to_string();
    // Some errors name the file themselves.
    let why = why.strip_prefix(&format!("failed to read {place}: ")).unwrap_or(&why);
    Unusable { place, why: format!("it cannot be read: {why}") }
}
