{{/*
The agent's names and labels. Its pods must be nobody's but the DaemonSet's: the selectors of the Deployment, the Service,
the NetworkPolicy, the PodDisruptionBudget and the ServiceMonitor are the chart's name and the release's, so the agent has
another name. It is cut before its end is added, and a name that ends with -agent gets another end: so it always differs.
*/}}
{{- define "pod-identity-webhook.agent.name" -}}
{{- $app := include "pod-identity-webhook.name" . -}}
{{- printf "%s-%s" ($app | trunc 57) (hasSuffix "-agent" $app | ternary "node" "agent") -}}
{{- end -}}

{{- define "pod-identity-webhook.agent.fullname" -}}
{{- printf "%s-agent" (include "pod-identity-webhook.fullname" . | trunc 57 | trimSuffix "-") -}}
{{- end -}}

{{/* Name of its objects that belong to no namespace: that of the release's, which has one dot, and a word more. */}}
{{- define "pod-identity-webhook.agent.clusterName" -}}
{{- printf "%s.agent" (include "pod-identity-webhook.clusterName" .) -}}
{{- end -}}

{{- define "pod-identity-webhook.agent.selectorLabels" -}}
app.kubernetes.io/name: {{ include "pod-identity-webhook.agent.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: agent
{{- end -}}

{{- define "pod-identity-webhook.agent.labels" -}}
{{- $own := include "pod-identity-webhook.agent.selectorLabels" . | fromYaml -}}
{{- mergeOverwrite (include "pod-identity-webhook.labels" . | fromYaml) $own | toYaml -}}
{{- end -}}

{{/*
The label that keeps the release's own pods from the webhook is among them: an agent that was given an identity would ask
itself for credentials, and none would start while no replica answers where the webhook fails closed.
*/}}
{{- define "pod-identity-webhook.agent.podLabels" -}}
{{- $own := include "pod-identity-webhook.agent.selectorLabels" . | fromYaml -}}
{{- $own = set $own (include "pod-identity-webhook.ownLabel" .) "true" -}}
{{- mergeOverwrite (dict) .Values.commonLabels (.Values.agent.podLabels | default dict) $own | toYaml -}}
{{- end -}}

{{- define "pod-identity-webhook.agent.serviceAccountName" -}}
{{- $account := .Values.agent.serviceAccount | default dict -}}
{{- default (empty $account.create | ternary "default" (include "pod-identity-webhook.agent.fullname" .)) $account.name -}}
{{- end -}}

{{- define "pod-identity-webhook.agent.eksClusterName" -}}
{{- .Values.agent.clusterName | default .Values.sources.eksClusterName -}}
{{- end -}}

{{/* The program's default is EKS Auth, as of AWS's agent. The chart's is what works on any cluster. */}}
{{- define "pod-identity-webhook.agent.upstream" -}}
{{- .Values.agent.upstream | default "web-identity" -}}
{{- end -}}

{{/*
Whose association resources it follows, separated by commas; an earlier one counts before a later one. EKS Auth knows the
associations itself.
*/}}
{{- define "pod-identity-webhook.agent.associations" -}}
{{- $named := .Values.agent.associations -}}
{{- if kindIs "invalid" $named -}}
{{- $named = (.Values.associations).enabled | ternary (list "own") list -}}
{{- $named = concat $named .Values.sources.associationResources.controllers -}}
{{- end -}}
{{- if eq (include "pod-identity-webhook.agent.upstream" .) "web-identity" -}}
{{- join "," $named -}}
{{- end -}}
{{- end -}}

{{/*
Their API groups, separated by commas. Crossplane's resources that have no namespace are not among them: to the agent a
resource counts only for ServiceAccounts of its own namespace.
*/}}
{{- define "pod-identity-webhook.agent.associationGroups" -}}
{{- $groups := dict "own" "pod-identity-webhook.dev" "ack" "eks.services.k8s.aws" "crossplane" "eks.aws.m.upbound.io" -}}
{{- $followed := list -}}
{{- range include "pod-identity-webhook.agent.associations" . | splitList "," | compact -}}
{{- $followed = append $followed (get $groups .) -}}
{{- end -}}
{{- join ", " $followed -}}
{{- end -}}

{{/* Paths of the file of associations and of the role policy, both the webhook's own; "" where it reads none. */}}
{{- define "pod-identity-webhook.agent.associationFile" -}}
{{- if eq (include "pod-identity-webhook.agent.upstream" .) "web-identity" -}}
{{- include "pod-identity-webhook.associationFile" . -}}
{{- end -}}
{{- end -}}
{{- define "pod-identity-webhook.agent.rolePolicy" -}}
{{- if eq (include "pod-identity-webhook.agent.upstream" .) "web-identity" -}}
{{- include "pod-identity-webhook.rolePolicy" . -}}
{{- end -}}
{{- end -}}

{{/*
Where the agent of this container says on which port it is probed.
*/}}
{{- define "pod-identity-webhook.agent.handoverFile" -}}
/run/agent/{{ . }}
{{- end -}}

{{/*
The command that asks the agent of a container: its name and "live" or "ready".
*/}}
{{- define "pod-identity-webhook.agent.probe" -}}
{{- $file := include "pod-identity-webhook.agent.handoverFile" (first .) -}}
{{- list "/pod-identity-webhook" "agent" "probe" (last .) (printf "--file=%s" $file) | toJson -}}
{{- end -}}

{{/*
A tenth of the nodes at a time: the new agent beside the old one, or after it.
*/}}
{{- define "pod-identity-webhook.agent.updateStrategy" -}}
{{- $agent := .Values.agent -}}
{{- $beside := dict "maxSurge" "10%" "maxUnavailable" 0 -}}
{{- $after := dict "maxUnavailable" "10%" -}}
{{- $default := dict "type" "RollingUpdate" "rollingUpdate" (ternary $beside $after (not (not $agent.handover))) -}}
{{- $agent.updateStrategy | default $default | toYaml -}}
{{- end -}}
