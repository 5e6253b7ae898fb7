"""Makes dashboards/pod-identity-webhook.json of the table of metrics in docs/reference.md: `make chart-docs`.

Which panels there are, and in which order, is chosen here; what a panel is about is said in the table's words. A metric
of the table that no panel shows and that is not left out for a reason ends this, and so does one that the table lacks.
"""

import json

from chart import CHART
from metrics import FOREIGN, complaints, family, meanings, table, used

FILE = CHART / "dashboards" / "pod-identity-webhook.json"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
OWN = 'namespace="$namespace",job="$job"'
HOOK = 'name=~"$webhook"'
EVERY = "[$__rate_interval]"
# What no panel shows, and why.
LEFT_OUT = {
    "http_request_latencies": "the Go webhook's, with bounds far above any call; the duration of admissions has better ones",
    "http_request_duration_microseconds": "the same sums once more",
    "pod_identity_webhook_missing_sa_count": "the outcome service_account_missing",
    "pod_identity_webhook_used": "1 for ever, once a pod had an identity",
    "process_virtual_memory_bytes": "address space that is reserved, not memory",
}

ADMISSIONS = "pod_identity_webhook_admission_duration_seconds"
API_SERVER = "apiserver_admission_webhook"


def rates(metric, *labels, selector=OWN):
    return f"sum by ({', '.join(labels)}) (rate({metric}{{{selector}}}{EVERY}))" if labels else f"sum(rate({metric}{{{selector}}}{EVERY}))"


def quantile(share, metric, selector=OWN, by="le"):
    return f"histogram_quantile({share}, sum by ({by}) (rate({metric}_bucket{{{selector}}}{EVERY})))"


def counted(metric, *labels, window="1h", selector=OWN):
    by = f" by ({', '.join(labels)})" if labels else ""
    return f"sum{by} (increase({metric}{{{selector}}}[{window}]))"


def gauge(metric, *labels, how="max", selector=OWN):
    return f"{how} by ({', '.join(labels)}) ({metric}{{{selector}}})"


# (title, unit, kind, [(expression, legend)]); a text alone begins a row.
PANELS = [
    "Now",
    ("Pods admitted without an answer, last hour", "short", "alarm", [(counted(f"{API_SERVER}_fail_open_count", selector=HOOK) + " or vector(0)", "")]),
    ("Calls that failed and refused a pod, last hour", "short", "alarm", [(counted(f"{API_SERVER}_rejection_count", selector=f'{HOOK},error_type!="no_error"') + " or vector(0)", "")]),
    ("Replicas that are scraped", "short", "stat", [(f"count(pod_identity_webhook_build_info{{{OWN}}})", "")]),
    ("Certificate expires in", "s", "stat", [(f"min(pod_identity_webhook_certificate_expiry_timestamp_seconds{{{OWN}}} > 0) - time()", "")]),
    "Admissions",
    ("Admissions by outcome", "ops", "stack", [(rates(f"{ADMISSIONS}_count", "outcome"), "{{outcome}}")]),
    ("Outcomes that mean trouble, an hour each", "short", "lines", [(counted(f"{ADMISSIONS}_count", "outcome", selector=f'{OWN},outcome!~"injected|complete|no_identity|mirror_pod|not_handled|role_policy_warned"') + " > 0", "{{outcome}}")]),
    ("Pods by method", "ops", "stack", [(rates("pod_identity_webhook_pod_count", "method"), "{{method}}")]),
    ("Answers by HTTP code", "ops", "stack", [(rates("http_request_count", "code"), "{{code}}")]),
    "Durations",
    ("Admissions, as the webhook measures them", "s", "lines", [(quantile(share, ADMISSIONS), f"p{name}") for share, name in ((0.5, "50"), (0.9, "90"), (0.99, "99"))]),
    ("Calls, as the API servers measure them", "s", "lines", [(quantile(share, f"{API_SERVER}_admission_duration_seconds", HOOK, "le, name"), f"p{name} {{{{name}}}}") for share, name in ((0.5, "50"), (0.99, "99"))]),
    "API servers",
    ("Calls by webhook and code", "ops", "lines", [(rates(f"{API_SERVER}_request_total", "name", "code", selector=HOOK), "{{name}} {{code}}")]),
    ("Failing open and closed", "ops", "lines", [(rates(f"{API_SERVER}_fail_open_count", "name", selector=HOOK), "admitted: {{name}}"), (rates(f"{API_SERVER}_rejection_count", "name", "error_type", selector=HOOK), "refused: {{name}} {{error_type}}")]),
    "Sources of identity",
    ("Age of the sources", "s", "lines", [(gauge("pod_identity_webhook_source_age_seconds", "source"), "{{source}}")]),
    ("Entries that count", "short", "lines", [(gauge("pod_identity_webhook_source_entries", "source"), "{{source}}")]),
    ("Entries that are ignored because of a mistake", "short", "lines", [(gauge("pod_identity_webhook_source_passed_over_entries", "source"), "{{source}}")]),
    ("Failed attempts to read a source", "ops", "lines", [(rates("pod_identity_webhook_source_errors_total", "source"), "{{source}}")]),
    ("Association resources by state", "short", "lines", [(gauge("pod_identity_webhook_association_resources", "source", "state"), "{{source}} {{state}}")]),
    ("ServiceAccounts that are known", "short", "lines", [(gauge("pod_identity_webhook_service_accounts", "annotated"), "annotated: {{annotated}}")]),
    ("Watch of ServiceAccounts", "short", "lines", [(gauge("pod_identity_webhook_watch_up", "pod", how="min"), "{{pod}}")]),
    "Look-ups",
    ("Look-ups of ServiceAccounts by result", "ops", "lines", [(rates("pod_identity_webhook_live_lookups_total", "result"), "{{result}}")]),
    ("Associations to be written, by verdict", "ops", "lines", [(rates("pod_identity_webhook_association_reviews_total", "verdict"), "{{verdict}}")]),
    ("Look-ups in a source by result", "ops", "lines", [(rates("pod_identity_webhook_source_lookups_total", "source", "result"), "{{source}} {{result}}")]),
    "Connections and TLS",
    ("Open connections", "short", "lines", [(gauge("pod_identity_webhook_connections", "pod"), "{{pod}}")]),
    ("Connections that were closed to keep to a limit", "ops", "lines", [(rates("pod_identity_webhook_connections_closed_total", "port", "reason"), "{{port}} {{reason}}")]),
    ("Failed TLS handshakes by reason", "ops", "lines", [(rates("pod_identity_webhook_tls_handshake_errors_total", "reason"), "{{reason}}")]),
    ("Calls without a client certificate", "ops", "lines", [(rates("pod_identity_webhook_refused_clients_total", "pod"), "{{pod}}")]),
    "Certificates",
    ("Time left of the serving certificate", "s", "lines", [(gauge("pod_identity_webhook_certificate_expiry_timestamp_seconds", "pod", how="min") + " - time()", "{{pod}}")]),
    ("Time left of the self-managed authority", "s", "lines", [(gauge("pod_identity_webhook_authority_expiry_timestamp_seconds", "pod", how="min") + " - time()", "{{pod}}")]),
    ("Problems of the self-managed certificates", "short", "lines", [(gauge("pod_identity_webhook_certificate_problem", "problem"), "{{problem}}")]),
    ("Failures and repairs, an hour each", "short", "lines", [
        (counted("pod_identity_webhook_certificate_reload_errors_total"), "pairs that could not be used"),
        (counted("pod_identity_webhook_certificate_set_aside_total", "reason"), "set aside: {{reason}}"),
        (counted("pod_identity_webhook_ca_bundle_repairs_total"), "caBundle repaired"),
    ]),
    "Process",
    ("Resident memory", "bytes", "lines", [(gauge("process_resident_memory_bytes", "pod"), "{{pod}}")]),
    ("CPU seconds a second", "short", "lines", [(rates("process_cpu_seconds_total", "pod"), "{{pod}}")]),
    ("Open files and their limit", "short", "lines", [(gauge("process_open_fds", "pod"), "{{pod}}"), (gauge("process_max_fds", "pod", how="min"), "limit of {{pod}}")]),
    ("Threads", "short", "lines", [(gauge("process_threads", "pod"), "{{pod}}")]),
    ("Time since the start", "s", "lines", [(f"time() - {gauge('process_start_time_seconds', 'pod')}", "{{pod}}")]),
    ("Lines of the log that were dropped", "ops", "lines", [(rates("pod_identity_webhook_log_lines_dropped_total", "pod"), "{{pod}}")]),
    ("Replicas by version", "short", "lines", [(f"count by (version) (pod_identity_webhook_build_info{{{OWN}}})", "{{version}}")]),
]  # fmt: skip


def make(panels=None, left_out=None):
    """The dashboard. An AssertionError says which metric is unknown, or missing."""
    panels, left_out = panels or PANELS, LEFT_OUT if left_out is None else left_out
    own = table()
    shown = set()
    for panel in panels:
        for expr, _ in panel[3] if isinstance(panel, tuple) else []:
            wrong = list(complaints(expr, own | FOREIGN))
            assert not wrong, f"{panel[0]}: {'; '.join(wrong)}"
            shown |= {family(name, own | FOREIGN) for name, _ in used(expr)}
    missing = set(own) - shown - set(left_out)
    assert not missing, f"no panel shows {', '.join(sorted(missing))}: add one, or a reason in LEFT_OUT"
    idle = set(left_out) & shown | set(left_out) - set(own)
    assert not idle, f"in LEFT_OUT, but shown or unknown: {', '.join(sorted(idle))}"
    return {
        "uid": "pod-identity-webhook",
        "title": "Pod identity webhook",
        "tags": ["aws", "pod-identity-webhook"],
        "schemaVersion": 39,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "",
        "templating": {"list": variables()},
        "panels": list(laid_out(panels)),
    }


def variables():
    info = "pod_identity_webhook_build_info"
    return [
        {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
        variable("namespace", f"label_values({info}, namespace)"),
        variable("job", f'label_values({info}{{namespace="$namespace"}}, job)'),
        variable("webhook", f"label_values({API_SERVER}_request_total, name)")
        | {"label": "Webhook of the API servers", "multi": True, "includeAll": True, "allValue": "(.+[.])?iam-for-pods[.]amazonaws[.]com"}
        | {"current": {"text": "All", "value": "$__all"}},
    ]  # fmt: skip


def variable(name, query):
    return {"name": name, "type": "query", "datasource": SOURCE, "query": query, "refresh": 2, "sort": 1}


def laid_out(panels):
    """Panels with their places: rows of 24 columns, two or four panels wide."""
    x = y = height = 0
    for number, panel in enumerate(panels, 1):
        if isinstance(panel, str):
            x, y = 0, y + height
            yield {"id": number, "type": "row", "title": panel, "collapsed": False, "panels": [], "gridPos": place(0, y, 24, 1)}
            y, height = y + 1, 0
            continue
        title, unit, kind, targets = panel
        width, tall = (6, 4) if kind in ("stat", "alarm") else (12, 8)
        if x + width > 24:
            x, y = 0, y + height
        height = tall
        yield {
            "id": number,
            "title": title,
            "description": described(targets),
            "type": "stat" if kind in ("stat", "alarm") else "timeseries",
            "datasource": SOURCE,
            "gridPos": place(x, y, width, tall),
            "fieldConfig": {"defaults": field(unit, kind), "overrides": []},
            "options": options(kind),
            "targets": [
                {"refId": chr(ord("A") + index), "datasource": SOURCE, "expr": expr, "legendFormat": legend}
                for index, (expr, legend) in enumerate(targets)
            ],
        }
        x += width


def place(x, y, width, height):
    return {"x": x, "y": y, "w": width, "h": height}


def described(targets):
    """What the table says of the metrics, each once."""
    said = meanings()
    names = dict.fromkeys(family(name, said) for expr, _ in targets for name, _ in used(expr))
    lines = [f"`{name}`: {said[name]}" for name in names if name and said[name]]
    return "\n\n".join(lines)


def field(unit, kind):
    if kind == "alarm":
        steps = [{"color": "green", "value": None}, {"color": "red", "value": 0.5}]
        return {"unit": unit, "decimals": 0, "color": {"mode": "thresholds"}, "thresholds": {"mode": "absolute", "steps": steps}}
    if kind == "stat":
        return {"unit": unit}
    filled = {"fillOpacity": 25, "stacking": {"mode": "normal", "group": "A"}} if kind == "stack" else {"fillOpacity": 5}
    return {"unit": unit, "custom": {"drawStyle": "line", "lineWidth": 1, "showPoints": "never"} | filled}


def options(kind):
    if kind in ("stat", "alarm"):
        return {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "background" if kind == "alarm" else "value"}
    return {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}


def text():
    return json.dumps(make(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(text())
