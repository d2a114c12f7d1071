{{- /*
harena.job: a Job that works on the database, and its way there. Takes a dict: root, component, pod
(the text of its spec).

An ordinary Job rather than a hook: at a first install a hook would run before the database that it
needs. What a Job runs cannot be changed, so its name has a hash of that: another image is another
Job, and the same one is left alone.
*/}}
{{- define "harena.job" -}}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ include "harena.component.fullname" . }}-{{ sha256sum .pod | trunc 10 }}
  labels:
    {{- include "harena.component.labels" . | nindent 4 }}
spec:
  backoffLimit: 3
  activeDeadlineSeconds: {{ .root.Values.migrate.deadlineSeconds }}
  template:
    metadata:
      labels:
        {{- include "harena.component.podLabels" . | nindent 8 }}
    spec:
      {{- .pod | nindent 6 }}
{{- if .root.Values.networkPolicy.enabled }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "harena.component.fullname" . }}
  labels:
    {{- include "harena.component.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "harena.component.selectorLabels" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  egress:
    {{- include "harena.egress" (dict "root" .root "component" "postgres" "store" .root.Values.database "port" 5432) | nindent 4 }}
{{- end }}
{{- end }}
