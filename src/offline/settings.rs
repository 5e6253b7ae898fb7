//! Settings on what makes pods, and on their namespaces, that have no effect: no webhook sees these objects.

use injection::annotation::Prefix;
use injection::pod::REQUIRE_LABEL;
use injection::setting::{Bearer, Form, Stray, Strays};
use manifests::Document;
use serde_json::Value;

/// What is wrong with the settings of an object that makes pods: with those that its template does not have too.
/// Labels in particular are often written on both.
pub(super) fn of_workload(prefix: &Prefix, workload: &Value, template: &Value) -> Strays {
    let mut strays = Strays::default();
    for (form, members) in FORMS {
        for key in keys(workload, members) {
            if template.pointer(members).and_then(|members| members.get(key)).is_none() {
                strays.key(prefix, Bearer::Workload, form, key);
            }
        }
    }
    strays
}

/// The namespaces of a document whose settings have no effect, each by its name.
pub(super) fn of_namespaces(prefix: &Prefix, document: &Document) -> Vec<(String, Strays)> {
    let objects = document.objects().into_iter();
    let namespaces = objects.filter(|object| (object.version, object.kind) == ("v1", "Namespace"));
    let judged = namespaces.map(|namespace| {
        let mut strays = Strays::default();
        for (form, members) in FORMS {
            for key in keys(namespace.value, members) {
                strays.key(prefix, Bearer::Namespace, form, key);
            }
        }
        let label = namespace.value.pointer("/metadata/labels").and_then(|labels| labels.get(REQUIRE_LABEL));
        let value = label.and_then(Value::as_str);
        strays.note(value.and_then(|value| Stray::of_require_label(Bearer::Namespace, value)));
        (format!("Namespace {}", super::workload::name(&namespace)), strays)
    });
    judged.filter(|(_, strays)| strays.iter().next().is_some()).collect()
}

const FORMS: [(Form, &str); 2] =
    [(Form::Annotation, "/metadata/annotations"), (Form::Label, "/metadata/labels")];

fn keys<'v>(object: &'v Value, members: &str) -> impl Iterator<Item = &'v String> {
    object.pointer(members).and_then(Value::as_object).into_iter().flat_map(|members| members.keys())
}
