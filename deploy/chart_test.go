//go:build packages

package deploy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/testdata/servers/build"
)

// helm is the one that the chart is held against.
var helm = build.Program{Name: "helm", Version: "v3.22.0", Package: "helm.sh/helm/v3/cmd/helm", About: "about three minutes on two cores"}

// values are the fewest that the chart takes.
const values = `livekit: {url: "wss://meet.example.org", existingSecret: livekit}
policies:
  weekly: {rooms: ["weekly-*"], reader: [Bob], store: "s3://meetings/2026", room-keys: members}
`

// all are values for everything that is off by default.
const all = values + `
image: {digest: "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", pullSecrets: [registry]}
store: {existingSecret: s3, endpoint: "https://s3.example.org", region: eu-central-1}
files: {existingConfigMap: cards, existingSecret: rooms}
worker:
  replicas: 3
  extraArgs: [--log-level, debug]
  persistence: {storageClass: fast}
  nodeSelector: {disk: ssd}
  tolerations: [{key: recorder, operator: Exists}]
  affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Exists}]}]}}}
  topologySpreadConstraints: [{maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {app.kubernetes.io/name: sealtape}}}]
  podAnnotations: {a: b}
  podLabels: {c: d}
watch: {replicas: 2, webhooks: true, nodeSelector: {disk: ssd}}
metrics: {podMonitor: true, rules: true, labels: {release: prometheus}}
`

// TestHelm: helm's lint is silent, and what it renders, Kubernetes' own types take strictly.
// The schema refuses what is no value.
func TestHelm(t *testing.T) {
	path, err := helm.Path(t.Context(), func(s string) { t.Log(s) })
	if err != nil {
		t.Fatal(err)
	}
	chart := released(t, "sealtape-*.tgz")
	strict := filepath.Join(t.TempDir(), "strict")
	output(t, nil, "go", "build", "-C", "strict", "-o", strict, ".")
	file := func(text string) string {
		name := filepath.Join(t.TempDir(), "values.yaml")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	for _, tt := range []struct{ values, objects string }{{values, "5\n"}, {all, "8\n"}} {
		name := file(tt.values)
		if lint := output(t, nil, path, "lint", "--strict", "--kube-version=1.34.1", "-f", name, chart); strings.Contains(lint, "[ERROR]") || strings.Contains(lint, "[WARNING]") {
			t.Errorf("lint: %s", lint)
		}
		rendered := output(t, nil, path, "template", "tape", "--kube-version=1.34.1", "-f", name, "--namespace", "meetings", chart)
		if got := output(t, []byte(rendered), strict); got != tt.objects {
			t.Errorf("%s objects, want %s:\n%s", got, tt.objects, rendered)
		}
		if strings.Contains(rendered, "kind: Secret") {
			t.Errorf("it makes a secret:\n%s", rendered)
		}
		if got := strings.Count(rendered, "9466"); (got != 0) != (tt.values == all) {
			t.Errorf("port 9466 %d times in\n%s", got, rendered)
		}
		for _, want := range []string{"unhealthyPodEvictionPolicy: AlwaysAllow", "terminationGracePeriodSeconds: 10980", "- \"20\"", "- 10800s", "weekly.yaml: |"} {
			if !strings.Contains(rendered, want) {
				t.Errorf("no %s in\n%s", want, rendered)
			}
		}
	}
	for _, wrong := range []string{
		strings.Replace(values, "existingSecret: livekit", "apiSecret: s3cr3t", 1),
		strings.Replace(values, "wss://", "https://", 1),
		strings.Replace(values, `rooms: ["weekly-*"], `, "", 1),
		strings.Replace(values, `rooms: ["weekly-*"], `, `rooms: ["weekly-*"], passphrase: s3cr3t, `, 1),
		values + "worker: {replica: 2}\n",
		values + "worker: {replicas: two}\n",
		"",
	} {
		if out, err := try(t, nil, path, "template", "tape", "--kube-version=1.34.1", "-f", file(wrong), chart); err == nil || !strings.Contains(err.Error(), "schema") {
			t.Errorf("%q was taken: %v\n%s", wrong, err, out)
		}
	}
}
