{{- define "pod-identity-webhook.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* Name of the namespaced objects. A Service's name has no dots, a release's may. */}}
{{- define "pod-identity-webhook.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := .Values.fullnameOverride -}}
{{- if not $full -}}
{{- $full = contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- end -}}
{{- $full | replace "." "-" | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/*
Name of the objects that belong to no namespace: differs for every release and namespace, since
neither part has a dot. It sorts after the Go webhook's registration, so while both are there that one runs first.
*/}}
{{- define "pod-identity-webhook.clusterName" -}}
{{- printf "%s.%s" (include "pod-identity-webhook.fullname" .) .Release.Namespace -}}
{{- end -}}

{{/*
Label of this release's pods alone, by its key: the registration keeps them out by it. Name and
instance would not do: a selector cannot say "not both", the same release name may be in two
namespaces, and the pods of an umbrella chart share the instance.
*/}}
{{- define "pod-identity-webhook.ownLabel" -}}
{{- printf "%s/own" (include "pod-identity-webhook.clusterName" .) -}}
{{- end -}}

{{- define "pod-identity-webhook.selectorLabels" -}}
app.kubernetes.io/name: {{ include "pod-identity-webhook.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Labels of every object; those that the objects find each other by cannot be overridden. */}}
{{- define "pod-identity-webhook.labels" -}}
{{- $own := include "pod-identity-webhook.selectorLabels" . | fromYaml -}}
{{- $about := dict
      "app.kubernetes.io/version" (.Chart.AppVersion | replace "+" "_")
      "app.kubernetes.io/managed-by" .Release.Service
      "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-") -}}
{{- mergeOverwrite (dict) $about .Values.commonLabels $own | toYaml -}}
{{- end -}}

{{- define "pod-identity-webhook.podLabels" -}}
{{- $own := include "pod-identity-webhook.selectorLabels" . | fromYaml -}}
{{- $own = set $own (include "pod-identity-webhook.ownLabel" .) "true" -}}
{{- mergeOverwrite (dict) .Values.commonLabels .Values.podLabels $own | toYaml -}}
{{- end -}}

{{- define "pod-identity-webhook.serviceAccountName" -}}
{{- default (.Values.serviceAccount.create | ternary (include "pod-identity-webhook.fullname" .) "default") .Values.serviceAccount.name -}}
{{- end -}}

{{/*
Where the serving certificate comes from: self-managed, cert-manager or secret. In parentheses what the values of an
older chart lack, which --reuse-values brings along.
*/}}
{{- define "pod-identity-webhook.certificateMode" -}}
{{- $certificate := .Values.certificate -}}
{{- if ($certificate.certManager).enabled -}}
cert-manager
{{- else if or $certificate.secretName $certificate.caBundle -}}
secret
{{- else -}}
self-managed
{{- end -}}
{{- end -}}

{{/* Secret in which the program keeps the authority that it made. */}}
{{- define "pod-identity-webhook.authoritySecret" -}}
{{- printf "%s-authority" (include "pod-identity-webhook.fullname" .) -}}
{{- end -}}

{{- define "pod-identity-webhook.certificateSecret" -}}
{{- default (printf "%s-tls" (include "pod-identity-webhook.fullname" .)) .Values.certificate.secretName -}}
{{- end -}}

{{- define "pod-identity-webhook.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{- printf "%s%s@%s" $image.repository ($image.tag | empty | ternary "" (printf ":%s" $image.tag)) $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository (default .Chart.AppVersion $image.tag) -}}
{{- end -}}
{{- end -}}

{{/* The caBundle of one entry in base64, of (root, name of the entry); "" where the entry is to have none. */}}
{{- define "pod-identity-webhook.caBundle" -}}
{{- $root := index . 0 -}}
{{- if eq (include "pod-identity-webhook.certificateMode" $root) "secret" -}}
{{- include "pod-identity-webhook.givenBundle" $root -}}
{{- else -}}
{{- include "pod-identity-webhook.liveBundle" . -}}
{{- end -}}
{{- end -}}

{{/*
The caBundle of an entry where the program or cert-manager writes it: what it is in the cluster already, so that an
upgrade neither changes nor removes it; for a new entry that of another one. "" where there is no cluster to look at,
as in helm template: then the field is left out.

Under server-side apply a bundle that no Apply owns is left out too: it stays as it is, and no revision holds a copy
that a later rollback would bring back. What helm owns, because an older chart or a new entry had it written, has to
be named again. Under a three-way merge nobody can tell the two apart, and what is left out may be removed.
*/}}
{{- define "pod-identity-webhook.liveBundle" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
{{- $live := lookup "admissionregistration.k8s.io/v1" "MutatingWebhookConfiguration" "" (include "pod-identity-webhook.clusterName" $root) | default dict -}}
{{- $bundles := dict -}}
{{- $any := "" -}}
{{- range $entry := dig "webhooks" list $live -}}
  {{- with dig "clientConfig" "caBundle" "" $entry -}}
    {{- $_ := set $bundles $entry.name . -}}
    {{- $any = $any | default . -}}
  {{- end -}}
{{- end -}}
{{- $isApplied := false -}}
{{- $isOwned := false -}}
{{- range dig "metadata" "managedFields" list $live -}}
  {{- if eq .operation "Apply" -}}
    {{- $isApplied = true -}}
    {{- $fields := dig "f:webhooks" (printf "k:{\"name\":%q}" $name) "f:clientConfig" dict .fieldsV1 -}}
    {{- $isOwned = or $isOwned (hasKey $fields "f:caBundle") -}}
  {{- end -}}
{{- end -}}
{{- if hasKey $bundles $name -}}
{{- if or $isOwned (not $isApplied) -}}
{{- get $bundles $name -}}
{{- end -}}
{{- else -}}
{{- $any -}}
{{- end -}}
{{- end -}}

{{/*
The caBundle of a certificate that users make themselves. A missing one would be an outage that nothing shows but the
API server's log (under Ignore every pod is admitted without identity), so it ends the rendering.
*/}}
{{- define "pod-identity-webhook.givenBundle" -}}
{{- $bundle := trim .Values.certificate.caBundle -}}
{{- $from := "certificate.caBundle" -}}
{{- if not $bundle -}}
  {{- $secret := include "pod-identity-webhook.certificateSecret" . -}}
  {{- $from = printf "ca.crt of Secret %s/%s" .Release.Namespace $secret -}}
  {{- $bundle = lookup "v1" "Secret" .Release.Namespace $secret | default dict | dig "data" "ca.crt" "" | trim -}}
  {{- if not $bundle -}}
    {{- fail (printf "certificate.caBundle is empty and there is no %s to read (helm template and GitOps tools never see one): set it, e.g. --set-file certificate.caBundle=certs/ca.crt" $from) -}}
  {{- end -}}
{{- end -}}
{{- $pem := contains "-----BEGIN " $bundle | ternary $bundle (regexReplaceAll "\\s" $bundle "" | b64dec) | trim -}}
{{- if contains "PRIVATE KEY-----" $pem -}}
  {{- fail (printf "%s holds a private key: it is published, so give the authority's certificate alone" $from) -}}
{{- end -}}
{{- if not (contains "-----BEGIN CERTIFICATE-----" $pem) -}}
  {{- fail (printf "%s is no certificate: expected PEM, or base64 of PEM" $from) -}}
{{- end -}}
{{- printf "%s\n" $pem | b64enc -}}
{{- end -}}

{{/* Whether EC2's instance metadata is asked at start, for what roles that are given by name need; "" for no. */}}
{{- define "pod-identity-webhook.asksInstanceMetadata" -}}
{{- $injection := .Values.injection -}}
{{- $isKnown := and $injection.awsAccountId (or $injection.awsPartition $injection.awsDefaultRegion) -}}
{{- and $injection.composeRoleArn (not $isKnown) | ternary "true" "" -}}
{{- end -}}

{{/* API groups of the association resources that are followed, separated by commas. */}}
{{- define "pod-identity-webhook.associationGroups" -}}
{{- $resources := .Values.sources.associationResources -}}
{{- $groups := list -}}
{{- if has "ack" $resources.controllers -}}
{{- $groups = append $groups "eks.services.k8s.aws" -}}
{{- end -}}
{{- if has "crossplane" $resources.controllers -}}
{{- $groups = append $groups "eks.aws.m.upbound.io" -}}
{{- if not $resources.ownNamespaceOnly -}}
{{- $groups = append $groups "eks.aws.upbound.io" -}}
{{- end -}}
{{- end -}}
{{- join ", " $groups -}}
{{- end -}}

{{/*
"true" if pods that require an identity are checked by a policy in the end; "" for no. Unless it is said, if the API
server has such policies, which helm template knows only by --api-versions.
*/}}
{{- define "pod-identity-webhook.hasValidatingPolicy" -}}
{{- $wish := .Values.webhook.validatingPolicy -}}
{{- if kindIs "invalid" $wish -}}
{{- $wish = and .Values.webhook.requiredIdentity (.Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy") -}}
{{- end -}}
{{- /* Not by ternary: a value that users set to null is neither true nor false. */ -}}
{{- if $wish -}}
true
{{- end -}}
{{- end -}}

{{/*
An alert of alerts.yaml or agent-alerts.yaml as a rule of Prometheus, with what prometheusRule.alerts says of it; nothing if it
is turned off. `names` has what stands for each name in its expr.
*/}}
{{- define "pod-identity-webhook.alert" -}}
{{- $settings := .settings -}}
{{- $alert := mergeOverwrite .alert (dict) (get ($settings.alerts | default dict) .alert.alert | default dict) -}}
{{- if ne (toString $alert.enabled) "false" -}}
{{- /* First, because a selector may have parentheses. */ -}}
{{- $growth := "((${2} unless last_over_time(${2}[1h] offset ${1})) or increase(${2}[${1}]))" -}}
{{- $expr := regexReplaceAll `GROWTH\[(\w+)\]\(([^()]*)\)` $alert.expr $growth -}}
{{- range $name, $selector := .names -}}
{{- $expr = $expr | replace $name $selector -}}
{{- end -}}
- alert: {{ $alert.alert }}
  expr: {{ $expr | replace "THRESHOLD" (printf "%v" $alert.threshold) | quote }}
  for: {{ get $alert "for" }}
  labels:
    {{- mergeOverwrite (dict) ($settings.alertLabels | default dict) (dict "severity" $alert.severity) | toYaml | nindent 4 }}
  annotations:
    summary: {{ $alert.summary | quote }}
    description: {{ $alert.description | quote }}
    runbook_url: {{ printf "%s#%s" $settings.runbookUrl (lower $alert.alert) | quote }}
{{- end -}}
{{- end -}}
