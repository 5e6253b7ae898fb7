//! A whole Deployment as people write them, before and after.

use serde_json::json;

use super::patched;

const BEFORE: &str = r#"# The web tier.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web # its name
  labels:
    app: web
spec:
  template:
    metadata:
      labels: {app: web}
    spec:
      # who we are
      serviceAccountName: web
      containers:
        # the server
        - name: server
          image: "nginx:1.25"   # pinned
          env:
            - name: MODE # fast or slow
              value: fast
            # - name: OLD
          # ports follow
          ports:
            - containerPort: 0x1F90
        - name: side
          image: busybox
          args:
            - -c
            - |
              echo hi

              exit 0

      volumes:
        - name: cfg
          configMap:
            name: cfg
            defaultMode: 0644
            optional: yes
      # the end
"#;

const AFTER: &str = r#"# The web tier.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web # its name
  labels:
    app: web
    eks.amazonaws.com/pod-identity: enabled
spec:
  template:
    metadata:
      labels: {app: web, tier: "1"}
    spec:
      # who we are
      serviceAccountName: web
      containers:
        # the server
        - name: server
          image: "nginx:1.25"   # pinned
          env:
            - name: MODE # fast or slow
              value: fast
            - name: AWS_REGION
              value: eu-west-1
            # - name: OLD
          # ports follow
          ports:
            - containerPort: 0x1F90
          volumeMounts:
            - name: token
              mountPath: /var/run/token
              readOnly: true
        - name: side
          image: busybox
          args:
            - -c
            - |
              echo hi

              exit 0
          env:
            - name: AWS_REGION
              value: eu-west-1

      volumes:
        - name: cfg
          configMap:
            name: cfg
            defaultMode: 0644
            optional: yes
        - name: token
          projected:
            defaultMode: 420
            sources:
              - serviceAccountToken:
                  path: token
                  expirationSeconds: 3600
      # the end
"#;

#[test]
fn deployment_keeps_comments_order_and_yaml_1_1_spellings() {
    let patch = json!([
        {"op": "add", "path": "/metadata/labels/eks.amazonaws.com~1pod-identity", "value": "enabled"},
        {"op": "add", "path": "/spec/template/metadata/labels/tier", "value": "1"},
        {"op": "add", "path": "/spec/template/spec/containers/0/env/-", "value": json!({"name": "AWS_REGION", "value": "eu-west-1"})},
        {"op": "add", "path": "/spec/template/spec/containers/0/volumeMounts", "value": []},
        {"op": "add", "path": "/spec/template/spec/containers/0/volumeMounts/-",
         "value": {"name": "token", "mountPath": "/var/run/token", "readOnly": true}},
        {"op": "add", "path": "/spec/template/spec/containers/1/env", "value": [json!({"name": "AWS_REGION", "value": "eu-west-1"})]},
        {"op": "add", "path": "/spec/template/spec/volumes/-", "value": {"name": "token", "projected":
         {"defaultMode": 420, "sources": [{"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}}]}}},
    ]);
    assert_eq!(patched(BEFORE, &[patch]), AFTER);
}
