package main

import (
	"strings"
	"testing"
)

// TestCheck: what is wrong is found.
func TestCheck(t *testing.T) {
	const pod = `apiVersion: apps/v1
kind: Deployment
metadata: {name: x}
spec:
  replicas: 1
  selector: {matchLabels: {a: b}}
  template:
    metadata: {labels: {a: b}}
    spec:
      automountServiceAccountToken: false
      securityContext: {runAsNonRoot: true, runAsUser: 65532, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: c
          image: i
          securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
          resources: {limits: {memory: 1Gi}}
`
	for _, tt := range []struct{ from, to, says string }{
		{"", "", ""},
		{"replicas: 1", "replica: 1", "replica"},
		{"replicas: 1", `replicas: "one"`, "cannot unmarshal string"},
		{"drop: [ALL]", "drop: [ALL], add: [NET_RAW]", "may do more"},
		{"readOnlyRootFilesystem: true, ", "", "may do more"},
		{"automountServiceAccountToken: false\n      ", "", "token"},
		{"limits: {memory: 1Gi}", "limits: {cpu: 1}", "memory"},
		{"runAsUser: 65532", "runAsUser: 0", "root"},
		{"kind: Deployment", "kind: Secret", "not expected"},
	} {
		n, err := checkAll(strings.NewReader("# nothing\n---\n" + strings.Replace(pod, tt.from, tt.to, 1)))
		if n != 1 || (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%q for %q: %d objects, %v", tt.to, tt.from, n, err)
		}
	}
}
