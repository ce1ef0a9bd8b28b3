{{- define "sealtape.name" -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "sealtape.labels" -}}
app.kubernetes.io/name: sealtape
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | replace "+" "_" | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- define "sealtape.selector" -}}
app.kubernetes.io/name: sealtape
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "sealtape.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion | replace "+" "_" }}
{{- end -}}
{{- end -}}

{{- /* What a pod may do: nothing. */ -}}
{{- define "sealtape.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
# The volume's root becomes the group's, once; the home in it stays its owner's alone.
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "sealtape.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
privileged: false
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "sealtape.livekitEnv" -}}
- name: LIVEKIT_URL
  value: {{ .Values.livekit.url | quote }}
- name: LIVEKIT_API_KEY
  valueFrom:
    secretKeyRef:
      name: {{ .Values.livekit.existingSecret }}
      key: api-key
{{- end -}}

{{- define "sealtape.livekitVolume" -}}
- name: livekit
  secret:
    secretName: {{ .Values.livekit.existingSecret }}
    defaultMode: 0400
    items:
      - key: api-secret
        path: api-secret
{{- end -}}
