{{- /*
harena.monitors: the parts of monitoring that run here, as a YAML map from component to its port, and
to its storage where it keeps something. Nothing where monitoring is off.

An exporter runs where it can log in: to a store in the cluster, whose Secret the chart makes, or with
a Secret of its own that is given.
*/}}
{{- define "harena.monitors" -}}
{{- $monitors := dict }}
{{- with .Values.monitoring }}
{{- if .enabled }}
  {{- $_ := set $monitors "prometheus" (dict "port" 9090 "storage" .prometheus.storage) }}
  {{- if .alertmanager.enabled }}
    {{- $_ := set $monitors "alertmanager" (dict "port" 9093 "storage" .alertmanager.storage) }}
  {{- end }}
  {{- if .grafana.enabled }}
    {{- $_ := set $monitors "grafana" (dict "port" 3000) }}
  {{- end }}
  {{- with .exporters.postgres }}
    {{- $made := and $.Values.database.enabled $.Values.migrate.bootstrapRoles }}
    {{- if and .enabled (or .existingSecret $made) }}
      {{- $_ := set $monitors "postgres-exporter" (dict "port" 9187) }}
    {{- end }}
  {{- end }}
  {{- with .exporters.redis }}
    {{- $made := and $.Values.redis.enabled (not $.Values.redis.existingSecret) }}
    {{- if and .enabled (or .existingSecret $made) }}
      {{- $_ := set $monitors "redis-exporter" (dict "port" 9121) }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}
{{- $monitors | toYaml }}
{{- end }}

{{- /* Where the Redis exporter finds its server; the key of its password, too. */}}
{{- define "harena.redisExporter.address" -}}
{{- .Values.monitoring.exporters.redis.address | default (printf "redis://%s-redis:6379" (include "harena.fullname" .)) }}
{{- end }}

{{- /*
The probe through the edge: the whole URL, or nothing where there is no edge. Without a name the
Ingress objects answer to any, so the controller's own will do.
*/}}
{{- define "harena.edgeTarget" -}}
{{- with .Values.monitoring.prometheus.edge }}
{{- if .enabled }}
{{- $inside := ternary (include "harena.ingress.url" $) "" $.Values.ingress.enabled }}
{{- $url := include "harena.publicUrl" $ | default $inside }}
{{- .target | default (ternary (printf "%s/health" $url) "" (ne $url "")) }}
{{- end }}
{{- end }}
{{- end }}

{{- /* The port of a URL, said or implied. */}}
{{- define "harena.portOf" -}}
{{- $url := urlParse . }}
{{- regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default (ternary "443" "80" (eq $url.scheme "https")) }}
{{- end }}
