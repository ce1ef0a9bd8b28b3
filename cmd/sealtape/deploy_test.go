package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.yaml.in/yaml/v3"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/worker"
	"github.com/sealtape/sealtape/recorder/bot/metrics"
	"github.com/sealtape/sealtape/recorder/fleet"
	"github.com/sealtape/sealtape/recorder/livekit/watch"
)

// deployed reads a file of deploy/.
func deployed(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(moduleRoot, "deploy", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// strictYAML decodes YAML into what has a place for all of it.
func strictYAML(t *testing.T, name string, to any) {
	t.Helper()
	d := yaml.NewDecoder(bytes.NewReader(deployed(t, name)))
	d.KnownFields(true)
	if err := d.Decode(to); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// A composeService is as much of Docker's compose file as ours uses.
type composeService struct {
	Image           string
	Restart         string
	ReadOnly        bool     `yaml:"read_only"`
	CapDrop         []string `yaml:"cap_drop"`
	SecurityOpt     []string `yaml:"security_opt"`
	User            string
	MemSwappiness   *int `yaml:"mem_swappiness"`
	Tmpfs           []string
	Entrypoint      []string
	Command         []string
	Environment     map[string]string
	EnvFile         []string `yaml:"env_file"`
	Secrets         []string
	Volumes         []string
	Ports           []string
	Logging         map[string]string
	StopGracePeriod string `yaml:"stop_grace_period"`
	DependsOn       any    `yaml:"depends_on"`
}

type composeFile struct {
	Name     string
	Base     composeService `yaml:"x-sealtape"`
	Services map[string]composeService
	Volumes  map[string]struct{}
	Secrets  map[string]struct{ File string }
}

// TestComposeFile: the file has nothing that compose does not know, all that it names is
// there, and the command lines in it are ours.
func TestComposeFile(t *testing.T) {
	t.Setenv("LIVEKIT_URL", "wss://meet.example.org")
	t.Setenv("LIVEKIT_API_KEY", "API")
	var c composeFile
	strictYAML(t, "compose/compose.yaml", &c)
	prepared := string(deployed(t, "compose/prepare.sh"))
	if _, err := fleet.ReadPolicies(filepath.Join(moduleRoot, "deploy", "compose", "policies"), checkPolicy); err != nil {
		t.Error(err)
	}
	ours := 0
	for name, s := range c.Services {
		for _, v := range s.Volumes {
			from, _, _ := strings.Cut(v, ":")
			if _, ok := c.Volumes[from]; ok {
				continue
			}
			if _, err := os.Stat(filepath.Join(moduleRoot, "deploy", "compose", from)); err != nil {
				t.Errorf("%s: the volume %s: %v", name, from, err)
			}
		}
		for _, secret := range s.Secrets {
			if file := c.Secrets[secret].File; !strings.Contains(prepared, ">"+file+"\n") {
				t.Errorf("%s: no secret %s is made", name, secret)
			}
		}
		for _, file := range s.EnvFile {
			if !strings.Contains(prepared, ">"+file+"\n") {
				t.Errorf("%s: %s is not made", name, file)
			}
		}
		if s.Image == c.Base.Image {
			ours++
			deployedCommand(t, s.Command)
			if !s.ReadOnly || !slices.Contains(s.CapDrop, "ALL") || s.User != "65532:65532" {
				t.Errorf("%s may do more than it needs: %+v", name, s)
			}
		} else if _, tag, ok := strings.Cut(s.Image, ":"); !ok || tag == "latest" {
			t.Errorf("%s: %s is not at a fixed version", name, s.Image)
		}
	}
	if ours != 3 {
		t.Errorf("%d services are ours", ours)
	}

	// LiveKit signs webhooks with a key that is made, and sends them to where they are taken.
	var livekit struct {
		Webhook struct {
			Key  string `yaml:"api_key"`
			URLs []string
		}
	}
	if err := yaml.Unmarshal(deployed(t, "compose/livekit.yaml"), &livekit); err != nil {
		t.Fatal(err)
	}
	watch := c.Services["watch"].Command
	at := slices.Index(watch, "--webhook-listen")
	if at < 0 || !slices.Equal(livekit.Webhook.URLs, []string{"http://watch" + strings.TrimPrefix(watch[at+1], "0.0.0.0") + "/"}) {
		t.Errorf("webhooks go to %q and are taken by %q", livekit.Webhook.URLs, watch)
	}
	if key := livekit.Webhook.Key; key == "" || !strings.Contains(prepared, "\nkey="+key+" ") {
		t.Errorf("no key %q is made", key)
	}
}

// deployedCommand holds that a command line of a file in deploy/ is one of ours.
func deployedCommand(t *testing.T, words []string) {
	t.Helper()
	for i := range words {
		words[i] = strings.ReplaceAll(words[i], "%d/", "/run/credentials/")
	}
	runWords(t, words)
}

// TestUnitCommands: units call commands as they can be called.
func TestUnitCommands(t *testing.T) {
	t.Setenv("LIVEKIT_URL", "wss://meet.example.org")
	t.Setenv("LIVEKIT_API_KEY", "API")
	for _, name := range []string{"sealtape-worker.service", "sealtape-watch.service"} {
		unit := string(deployed(t, "systemd/"+name))
		line := regexp.MustCompile(`(?m)^ExecStart=/usr/local/bin/sealtape (.*)$`).FindStringSubmatch(unit)
		if line == nil {
			t.Fatalf("%s has no ExecStart", name)
		}
		deployedCommand(t, strings.Fields(line[1]))
		for _, want := range []string{"NoNewPrivileges=yes", "CapabilityBoundingSet=\n", "LoadCredential=api-secret:", "MemorySwapMax=0"} {
			if !strings.Contains(unit, want) {
				t.Errorf("%s: no %s", name, want)
			}
		}
	}
}

// TestChartCommands: the chart calls commands as they can be called. What helm makes of it
// is for make test-packages.
func TestChartCommands(t *testing.T) {
	t.Setenv("LIVEKIT_URL", "wss://meet.example.org")
	t.Setenv("LIVEKIT_API_KEY", "API")
	values := strings.NewReplacer(
		`{{ .Values.worker.cardName | quote }}`, "Recorder", "$(POD_NAME)", "tape-worker-0", `{{ .Values.worker.maxRooms | quote }}`, "20",
		`{{ printf "%ds" (int .Values.worker.drainSeconds) }}`, "10800s", `{{ .Values.worker.logLevel }}`, "info")
	n := 0
	for _, name := range []string{"worker.yaml", "watch.yaml"} {
		var words []string
		within := false
		for line := range strings.Lines(string(deployed(t, "chart/sealtape/templates/"+name)) + "\n") {
			line = strings.TrimSpace(line)
			word, item := strings.CutPrefix(line, "- ")
			switch {
			case line == "args:":
				within = true
			case within && item && !strings.HasPrefix(word, "name:"):
				words = append(words, values.Replace(word))
			case within && !strings.HasPrefix(line, "{{-"):
				within = false
				n++
				if strings.Contains(strings.Join(words, " "), "{{") {
					t.Errorf("%s: %q has a value that is not known here", name, words)
				}
				deployedCommand(t, words)
				words = nil
			}
		}
	}
	if n != 3 {
		t.Errorf("found %d command lines", n)
	}
	var schema map[string]any
	if err := json.Unmarshal(deployed(t, "chart/sealtape/values.schema.json"), &schema); err != nil {
		t.Error(err)
	}
}

// metricNames are those of all metrics that recorders and workers have.
func metricNames(t *testing.T) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	w, err := worker.New(worker.Config{
		URL: "wss://meet.example.org", Agent: "sealtape", Own: "sealtape-host-one", Version: "1", Table: fleet.NewTable(1, false), Log: slog.New(slog.DiscardHandler),
		Token: func(context.Context) (string, error) { return "", nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	watcher, err := watch.New(watch.Config{Server: watch.NewLiveKit("wss://meet.example.org", "API", "secret"), Policies: func() *fleet.Policies { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range []http.Handler{w.Handler(), watcher.Handler()} {
		shown := httptest.NewRecorder()
		h.ServeHTTP(shown, httptest.NewRequest("GET", "/metrics", nil))
		for _, m := range regexp.MustCompile(`(?m)^# TYPE (\S+) `).FindAllStringSubmatch(shown.Body.String(), -1) {
			names[m[1]] = true
		}
	}
	fqName := regexp.MustCompile(`fqName: "([^"]+)"`)
	for _, c := range []prometheus.Collector{metrics.NewCollector(still{})} {
		descs := make(chan *prometheus.Desc, 1000)
		c.Describe(descs)
		close(descs)
		for d := range descs {
			names[fqName.FindStringSubmatch(d.String())[1]] = true
		}
	}
	return names
}

// checkQuery holds that an expression of PromQL asks for metrics that there are.
func checkQuery(t *testing.T, names map[string]bool, where, expr string) {
	t.Helper()
	found := 0
	for _, name := range regexp.MustCompile(`\b(?:sealtape|process|go)_[a-z0-9_]+`).FindAllString(expr, -1) {
		if found++; !names[name] {
			t.Errorf("%s asks for %s, which nobody has", where, name)
		}
	}
	if found == 0 || strings.Count(expr, "(") != strings.Count(expr, ")") || strings.Count(expr, "{") != strings.Count(expr, "}") || strings.Count(expr, `"`)%2 != 0 {
		t.Errorf("%s is no query: %s", where, expr)
	}
}

// TestDashboard: all that the dashboard and the alerts ask for is there.
func TestDashboard(t *testing.T) {
	names := metricNames(t)
	var d struct {
		Panels []struct {
			ID      int
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr string }
		}
		Templating struct {
			List []struct{ Name, Definition string }
		}
	}
	if err := json.Unmarshal(deployed(t, "grafana/sealtape.json"), &d); err != nil {
		t.Fatal(err)
	}
	seen, taken := make(map[int]bool), make(map[[2]int]string)
	for _, p := range d.Panels {
		if seen[p.ID] {
			t.Errorf("two panels are %d", p.ID)
		}
		seen[p.ID] = true
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if taken[at] != "" || at[0] >= 24 {
					t.Errorf("%s is over %s, or beyond the edge", p.Title, taken[at])
				}
				taken[at] = p.Title
			}
		}
		for _, target := range p.Targets {
			checkQuery(t, names, p.Title, target.Expr)
		}
	}
	for _, v := range d.Templating.List {
		if v.Definition != "" {
			checkQuery(t, names, "$"+v.Name, v.Definition)
		}
	}
	var rules struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	strictYAML(t, "chart/sealtape/rules.yaml", &rules)
	n := 0
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			n++
			checkQuery(t, names, r.Alert, r.Expr)
			if !slices.Contains([]string{"critical", "warning"}, r.Labels["severity"]) || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("%s does not say how bad it is, and what it is", r.Alert)
			}
		}
	}
	if len(d.Panels) < 20 || n < 5 {
		t.Errorf("%d panels, %d alerts", len(d.Panels), n)
	}
}
