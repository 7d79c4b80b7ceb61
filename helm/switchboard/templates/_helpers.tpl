{{- define "switchboard.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Of at most 46 characters: behind it come 17 more in the name of a pod and in the label that names the revision of the trial
Redis, which may have 63. Kubernetes would shorten the former, and the query of KEDA would not find the pods. */}}
{{- define "switchboard.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 46 | trimSuffix "-" }}
{{- else if contains (include "switchboard.name" .) .Release.Name }}
{{- .Release.Name | trunc 46 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "switchboard.name" .) | trunc 46 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "switchboard.selector" -}}
app.kubernetes.io/name: {{ include "switchboard.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: gateway
{{- end }}

{{- define "switchboard.redisSelector" -}}
app.kubernetes.io/name: {{ include "switchboard.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: redis
{{- end }}

{{/* The pod of `helm test`. */}}
{{- define "switchboard.testSelector" -}}
app.kubernetes.io/name: {{ include "switchboard.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: test
{{- end }}

{{- define "switchboard.labels" -}}
{{- include "switchboard.labelsWith" (list . "gateway" dict) }}
{{- end }}

{{/* Labels of an object: (list $ "gateway" MORE); of no component where that is empty. Each key once: those of the chart, for
something chooses by them, then MORE, then commonLabels. */}}
{{- define "switchboard.labelsWith" -}}
{{- $root := first . -}}
{{- $labels := include "switchboard.componentLabels" . | fromYaml -}}
{{- $_ := set $labels "app.kubernetes.io/managed-by" $root.Release.Service -}}
{{- $_ := set $labels "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_") -}}
{{- merge $labels (last . | default dict) ($root.Values.commonLabels | default dict) | toYaml }}
{{- end }}

{{/* The same of a pod: nothing that a new version of the chart alone would change, for that would replace it. */}}
{{- define "switchboard.podLabels" -}}
{{- $labels := include "switchboard.componentLabels" . | fromYaml -}}
{{- merge $labels (last . | default dict) ((first .).Values.commonLabels | default dict) | toYaml }}
{{- end }}

{{- define "switchboard.componentLabels" -}}
{{- $root := first . -}}
app.kubernetes.io/name: {{ include "switchboard.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
{{- with index . 1 }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{- define "switchboard.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{- define "switchboard.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- .Values.serviceAccount.name | default (include "switchboard.fullname" .) }}
{{- else }}
{{- .Values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{/* Not empty where the gateways have a Redis. */}}
{{- define "switchboard.hasRedis" -}}
{{- if or .Values.redis.url .Values.secrets.redisUrl.name .Values.trialRedis.enabled }}yes{{ end }}
{{- end }}

{{/* The URL of Redis, with what it says of TLS where it does not say so itself. */}}
{{- define "switchboard.redisUrl" -}}
{{- $url := .Values.redis.url -}}
{{- $tls := .Values.redis.tls -}}
{{- if $tls.secretName -}}
{{- range $option, $key := dict "caFile" $tls.ca "certFile" $tls.cert "keyFile" $tls.key -}}
{{- if and $key (not (contains (printf "%s=" $option) $url)) -}}
{{- $url = printf "%s%s%s=/etc/switchboard/redis-tls/%s" $url (ternary "&" "?" (contains "?" $url)) $option $key -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{ $url }}
{{- end }}

{{/* A time of `config.drain` in milliseconds: (list . "grace_ms" 5000). */}}
{{- define "switchboard.drainMs" -}}
{{- $drain := (index . 0).Values.config.drain | default dict -}}
{{- $key := index . 1 -}}
{{- ternary (get $drain $key) (index . 2) (hasKey $drain $key) | int64 }}
{{- end }}

{{/* Seconds for which a pod that ends sleeps before the gateway hears of it. */}}
{{- define "switchboard.sleepSeconds" -}}
{{- dig "preStop" "sleep" "seconds" 0 .Values.lifecycle | int64 }}
{{- end }}

{{/* Seconds in which everybody has moved off a pod that stops, and a margin. */}}
{{- define "switchboard.minReadySeconds" -}}
{{- $grace := include "switchboard.drainMs" (list . "grace_ms" 5000) | int64 -}}
{{- $window := include "switchboard.drainMs" (list . "window_ms" 30000) | int64 -}}
{{- $sleep := include "switchboard.sleepSeconds" . | int64 -}}
{{- $least := add (div (add $grace $window 999) 1000) $sleep 5 -}}
{{- $said := .Values.minReadySeconds -}}
{{- if kindIs "invalid" $said }}{{ $least }}
{{- else if lt (int64 $said) (int64 $least) }}
{{- fail (printf "minReadySeconds: %v is too short: clients move off a pod within %v s (config.drain.grace_ms and window_ms), and until then the next one must not stop; leave it out to have it computed" $said $least) }}
{{- else }}{{ $said }}{{ end }}
{{- end }}

{{- define "switchboard.terminationGracePeriodSeconds" -}}
{{- $deadline := include "switchboard.drainMs" (list . "deadline_ms" 60000) | int64 -}}
{{- $sleep := include "switchboard.sleepSeconds" . | int64 -}}
{{- $least := add (div (add $deadline 999) 1000) $sleep 15 -}}
{{- $said := .Values.terminationGracePeriodSeconds -}}
{{- if kindIs "invalid" $said }}{{ $least }}
{{- else if lt (int64 $said) (int64 $least) }}
{{- fail (printf "terminationGracePeriodSeconds: %v is too short: a pod drains for up to %v s (config.drain.deadline_ms) and needs %v; leave it out to have that computed" $said (div (add $deadline 999) 1000) $least) }}
{{- else }}{{ $said }}{{ end }}
{{- end }}

{{/* What the port of clients speaks. */}}
{{- define "switchboard.appProtocol" -}}
{{- $said := .Values.service.appProtocol -}}
{{- ternary "https" $said (and (ne "" (include "switchboard.speaksTls" .)) (eq $said "http")) -}}
{{- end }}

{{/* Whether the gateways end TLS on the port of clients themselves; empty where they do not. */}}
{{- define "switchboard.speaksTls" -}}
{{- if or .Values.tls.existingSecret (dig "tls" "cert_file" "" .Values.config) }}yes{{ end }}
{{- end }}

{{/* Whether a pod of this cluster can ask the port of clients in plain HTTP; empty where it cannot. */}}
{{- define "switchboard.speaksPlainHttp" -}}
{{- if not (or (include "switchboard.speaksTls" .) (eq (dig "proxy" "protocol" "off" .Values.config) "required")) }}yes{{ end }}
{{- end }}
