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

{{/*
The caBundle in base64. A missing one would be an outage that nothing shows but the API server's log
(under Ignore every pod is admitted without identity), so it ends the rendering.
*/}}
{{- define "pod-identity-webhook.caBundle" -}}
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
