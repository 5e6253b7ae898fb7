{{/*
The publisher's names and labels. Its pod must be nobody's but its own Deployment's, as with the agent: the name is cut before
its end is added, and a name that ends with -issuer gets another end.
*/}}
{{- define "pod-identity-webhook.issuer.name" -}}
{{- $app := include "pod-identity-webhook.name" . -}}
{{- printf "%s-%s" ($app | trunc 53) (hasSuffix "-issuer" $app | ternary "publisher" "issuer") -}}
{{- end -}}

{{- define "pod-identity-webhook.issuer.fullname" -}}
{{- printf "%s-issuer" (include "pod-identity-webhook.fullname" . | trunc 56 | trimSuffix "-") -}}
{{- end -}}

{{- define "pod-identity-webhook.issuer.selectorLabels" -}}
app.kubernetes.io/name: {{ include "pod-identity-webhook.issuer.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: issuer
{{- end -}}

{{- define "pod-identity-webhook.issuer.labels" -}}
{{- $own := include "pod-identity-webhook.issuer.selectorLabels" . | fromYaml -}}
{{- mergeOverwrite (include "pod-identity-webhook.labels" . | fromYaml) $own | toYaml -}}
{{- end -}}

{{/*
Without the label that keeps the release's own pods from the webhook: once there are documents, the publisher may have its
role by them.
*/}}
{{- define "pod-identity-webhook.issuer.podLabels" -}}
{{- $own := include "pod-identity-webhook.issuer.selectorLabels" . | fromYaml -}}
{{- mergeOverwrite (dict) .Values.commonLabels (.Values.issuer.podLabels | default dict) $own | toYaml -}}
{{- end -}}

{{- define "pod-identity-webhook.issuer.serviceAccountName" -}}
{{- $account := .Values.issuer.serviceAccount | default dict -}}
{{- default (empty $account.create | ternary "default" (include "pod-identity-webhook.issuer.fullname" .)) $account.name -}}
{{- end -}}

{{- define "pod-identity-webhook.issuer.args" -}}
{{- $issuer := .Values.issuer -}}
- issuer
- publish
- {{ printf "--issuer=%s" $issuer.url | quote }}
- {{ printf "--to=%s" $issuer.to | quote }}
{{- if $issuer.apiServers }}
{{- range $issuer.apiServers }}
- {{ printf "--api-server=%s" . | quote }}
{{- end }}
{{- else }}
- --from-api-server
{{- end }}
{{- range $issuer.keys }}
- {{ printf "--keys=%s" . | quote }}
{{- end }}
{{- with $issuer.keysPath }}
- {{ printf "--keys-path=%s" . | quote }}
{{- end }}
{{- with $issuer.retention }}
- {{ printf "--retention=%s" . | quote }}
{{- end }}
{{- with $issuer.maxAge }}
- {{ printf "--max-age=%s" . | quote }}
{{- end }}
- --watch
{{- with $issuer.interval }}
- {{ printf "--interval=%s" . | quote }}
{{- end }}
- --log-format={{ .Values.log.format }}
{{- range $issuer.extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end -}}
