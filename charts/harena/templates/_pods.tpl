{{- /* What is the same in every pod of the chart. */}}

{{- /*
The restricted Pod Security Standard, and no way to the Kubernetes API unless an account is given.
Takes a dict: root, user (a numeric id), class (of the priority: data, services or observability),
node (nodeSelector, tolerations), account (the name of a ServiceAccount, or nothing).
*/}}
{{- define "harena.pod" -}}
{{- with .account }}
serviceAccountName: {{ . }}
{{- end }}
automountServiceAccountToken: {{ not (empty .account) }}
enableServiceLinks: false
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- if .root.Values.priorityClasses.enabled }}
priorityClassName: {{ include "harena.cluster.fullname" (dict "root" .root "name" .class) }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .user }}
  runAsGroup: {{ .user }}
  fsGroup: {{ .user }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .node.nodeSelector }}
nodeSelector:
  {{- . | toYaml | nindent 2 }}
{{- end }}
{{- with .node.tolerations }}
tolerations:
  {{- . | toYaml | nindent 2 }}
{{- end }}
{{- end }}

{{- define "harena.container" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- /* An image of ours. Takes a dict: root, name, image (a full reference, or blank). */}}
{{- define "harena.image" -}}
{{- $ours := .root.Values.image }}
{{- .image | default (printf "%s/%s:%s" $ours.registry .name ($ours.tag | default .root.Chart.AppVersion)) }}
{{- end }}

{{- /* Where the files of the volume `credentials` are. */}}
{{- define "harena.credentials.path" -}}
/run/secrets/harena
{{- end }}

{{- /*
A volume with these keys of these Secrets and no others; the group of the pod may read them.
Takes a list of pairs: a Secret's name, and keys of it, each `key` or `key=file`. Not a dict, because
one Secret may be given for several purposes.
*/}}
{{- define "harena.credentials.volume" -}}
- name: credentials
  projected:
    defaultMode: 0440
    sources:
      {{- range . }}
      - secret:
          name: {{ first . }}
          items:
            {{- range last . }}
            {{- $parts := splitList "=" . }}
            - {key: {{ first $parts }}, path: {{ last $parts }}}
            {{- end }}
      {{- end }}
{{- end }}

{{- define "harena.credentials.mount" -}}
- name: credentials
  mountPath: {{ include "harena.credentials.path" . }}
  readOnly: true
{{- end }}
