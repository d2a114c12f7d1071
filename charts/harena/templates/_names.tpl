{{- /*
Names and labels.

Helpers that concern one component take a dict with two keys:

  root       the chart's root scope (for .Release, .Chart, .Values)
  component  a key under .Values.services, or postgres, redis, migrate, demo, or a part of
             monitoring: prometheus, alertmanager, grafana, postgres-exporter, redis-exporter

as in:  {{ include "harena.component.labels" (dict "root" $ "component" "budget") }}
*/}}

{{- /* Prefix of every object's name: 40 characters, to leave room for "-conversation". */}}
{{- define "harena.fullname" -}}
{{- .Values.fullnameOverride | default .Release.Name | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "harena.component.fullname" -}}
{{- printf "%s-%s" (include "harena.fullname" .root) .component }}
{{- end }}

{{- /*
What selects a component's pods. NEVER add to this list: a Deployment's selector is immutable, so a
new label here breaks `helm upgrade` of every existing release.
*/}}
{{- define "harena.component.selectorLabels" -}}
app.kubernetes.io/name: harena
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "harena.labels" -}}
app.kubernetes.io/part-of: harena
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "harena.component.labels" -}}
{{ include "harena.component.selectorLabels" . }}
{{ include "harena.labels" .root }}
{{- end }}

{{- /*
Labels of a pod: no version of the chart or the app among them, or every release would restart what
it does not change.
*/}}
{{- define "harena.component.podLabels" -}}
{{ include "harena.component.selectorLabels" . }}
app.kubernetes.io/part-of: harena
{{- end }}

{{- /* The names of the Secrets: the given one, or our own. */}}
{{- define "harena.secret.database" -}}
{{- .Values.database.existingSecret | default (printf "%s-database" (include "harena.fullname" .)) }}
{{- end }}

{{- define "harena.secret.redis" -}}
{{- .Values.redis.existingSecret | default (printf "%s-redis" (include "harena.fullname" .)) }}
{{- end }}

{{- define "harena.secret.signing" -}}
{{- .Values.signing.existingSecret | default (printf "%s-signing" (include "harena.fullname" .)) }}
{{- end }}

{{- define "harena.secret.demo" -}}
{{- .Values.demo.existingSecret | default (printf "%s-demo" (include "harena.fullname" .)) }}
{{- end }}

{{- define "harena.secret.grafana" -}}
{{- .Values.monitoring.grafana.existingSecret | default (printf "%s-grafana" (include "harena.fullname" .)) }}
{{- end }}

{{- /* A whole configuration with its receivers, whose addresses may be as good as passwords. */}}
{{- define "harena.secret.alertmanager" -}}
{{- .Values.monitoring.alertmanager.existingSecret | default (printf "%s-alertmanager" (include "harena.fullname" .)) }}
{{- end }}

{{- /* The monitor's password; not beside the services', so that a given Secret needs no more keys. */}}
{{- define "harena.secret.postgresExporter" -}}
{{- .Values.monitoring.exporters.postgres.existingSecret | default (printf "%s-postgres-exporter" (include "harena.fullname" .)) }}
{{- end }}

{{- define "harena.secret.redisExporter" -}}
{{- .Values.monitoring.exporters.redis.existingSecret | default (include "harena.secret.redis" .) }}
{{- end }}

{{- define "harena.tlsSecret" -}}
{{- .Values.ingress.tls.secretName | default (printf "%s-tls" (include "harena.fullname" .)) }}
{{- end }}

{{- /* Where browsers find the platform: said, or known from the ingress. */}}
{{- define "harena.publicUrl" -}}
{{- if or .Values.publicUrl (not .Values.ingress.enabled) (not .Values.ingress.hosts) }}
{{- .Values.publicUrl }}
{{- else }}
{{- printf "%s://%s" (ternary "https" "http" .Values.ingress.tls.enabled) (first .Values.ingress.hosts) }}
{{- end }}
{{- end }}

{{- /*
The name of an object that belongs to the cluster, so that the namespace is part of it.
Takes a dict with `root` and `name`.
*/}}
{{- define "harena.cluster.fullname" -}}
{{- printf "%s-%s-%s" .root.Release.Namespace (include "harena.fullname" .root) .name }}
{{- end }}
