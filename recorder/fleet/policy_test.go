package fleet

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

const boardPolicy = `# the board
rooms: ["board-*", strategy]
room-keys: members
reader: [Bob, "age1pq1: not a map"]
store: s3://meetings/2026?lock=compliance
segment: 5s
no-video: true
`

func TestPolicy(t *testing.T) {
	p, err := ParsePolicy("board", []byte(boardPolicy))
	if err != nil {
		t.Fatal(err)
	}
	if !p.Serves("board-may") || !p.Serves("strategy") || p.Serves("lecture") || p.Serves("") {
		t.Errorf("serves other rooms than %q", p.Rooms)
	}
	b, err := p.Config(Setting{Name: "room", Values: []string{"board: may\n#x"}}, Setting{Name: "segment", Values: []string{"1s"}})
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := yaml.Unmarshal(b, &m); err != nil {
		t.Fatalf("%v in\n%s", err, b)
	}
	want := map[string]any{"room-keys": "members", "reader": []any{"Bob", "age1pq1: not a map"}, "store": "s3://meetings/2026?lock=compliance",
		"segment": "1s", "no-video": "true", "room": "board: may\n#x"}
	if fmt.Sprint(m) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", m, want)
	}
}

// What is no policy is refused, and the error says where.
func TestNoPolicy(t *testing.T) {
	for text, says := range map[string]string{
		"":                                  "empty",
		"reader: Bob\n":                     "rooms is missing",
		"rooms: []\nreader: Bob\n":          "rooms is missing",
		"rooms: ['']\n":                     "empty pattern",
		"rooms: {a: b}\n":                   "no plain value",
		"rooms: a\nrooms: b\n":              "twice",
		"rooms: a\nreader: [[Bob]]\n":       "line 2: reader has no plain value",
		"rooms: a\nreader:\n":               "no plain value",
		"rooms: a\nroom: b\n":               "the dispatch says which",
		"rooms: a\nurl: wss://eve\n":        "the worker joins all rooms",
		"rooms: a\ntoken-command: x\n":      "the worker joins all rooms",
		"rooms: a\nidentity: x\n":           "the worker joins all rooms",
		"rooms: a\nstatus-file: x\n":        "the worker says it",
		"rooms: a\nsecrets-file: x\n":       "the worker says it",
		"rooms: a\ncommand: vault get x\n":  "command is a list",
		"rooms: a\ncommand: ['', x]\n":      "names no program",
		"- rooms: a\n":                      "no list of settings",
		"rooms: a\n---\nrooms: b\n":         "more than one document",
		"rooms: [a\n":                       "no YAML",
		"rooms: a\n? [x]\n: y\n":            "no name",
		"rooms: &x [a]\nreader: *x\n":       "no plain value",
		"rooms: a\n" + longNames(300):       "more than 256",
		"rooms: a\nx: [" + longList() + "]": "more than 4096",
	} {
		if _, err := ParsePolicy("p", []byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.60q: %v, want %q", text, err, says)
		}
	}
	for _, name := range []string{"", "../p", "P", "p/q", strings.Repeat("p", 65)} {
		if _, err := ParsePolicy(name, []byte(boardPolicy)); err == nil {
			t.Errorf("%q is a name", name)
		}
	}
}

func longNames(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "s%d: x\n", i)
	}
	return b.String()
}

func longList() string { return strings.Repeat("x,", maxValues+1) }

func TestReadPolicies(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ReadPolicies(dir, nil); !errors.Is(err, ErrNoPolicies) {
		t.Errorf("of an empty folder: %v", err)
	}
	write("board.yaml", boardPolicy, 0o644)
	write("weekly.yml", "rooms: weekly\n", 0o600)
	write("README.md", "not one", 0o666)
	write("..data.yaml", "nor this", 0o666)
	p, err := ReadPolicies(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, one := range p.All() {
		names = append(names, one.Name)
	}
	if !slices.Equal(names, []string{"board", "weekly"}) || p.Find("board") == nil || p.Find("Board") != nil || (*Policies)(nil).Find("x") != nil {
		t.Errorf("found %q", names)
	}
	// One that is wrong is told with all others that are.
	write("bad.yaml", "rooms: a\nroom: b\n", 0o600)
	write("weekly.yaml", "rooms: weekly\n", 0o600)
	_, err = ReadPolicies(dir, func(p *Policy) error {
		if p.Name == "board" {
			return errors.New("no such reader")
		}
		return nil
	})
	for _, says := range []string{"bad.yaml", "weekly is in two files", "board.yaml: no such reader"} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
	if runtime.GOOS != "windows" {
		write("bad.yaml", "rooms: a\n", 0o666)
		if _, err := ReadPolicies(dir, nil); !errors.As(err, new(*WritableError)) {
			t.Errorf("of a file that everyone can change: %v", err)
		}
	}
}

// FuzzParsePolicy: what is taken says the same in the file for record, and nothing that a
// worker sets.
func FuzzParsePolicy(f *testing.F) {
	for _, s := range []string{boardPolicy, "rooms: a\nreader: {}\n", "rooms: a\ncommand: [x]\n", `{"rooms":["a"],"x":"y"}`, "rooms: a\nx: !!binary aGk=\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParsePolicy("p", b)
		if err != nil {
			return
		}
		if len(p.Rooms) == 0 {
			t.Fatal("a policy for no rooms")
		}
		text, err := p.Config()
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Settings) == 0 {
			return
		}
		again, err := parse("again", text)
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if len(again.settings) != len(p.Settings) {
			t.Fatalf("%d settings became %d", len(p.Settings), len(again.settings))
		}
		for i, s := range again.settings {
			if was := p.Settings[i]; s.Name != was.Name || !slices.Equal(s.Values, was.Values) {
				t.Fatalf("%+v became %+v", was, s)
			}
			if ownSetting(s.Name) != "" {
				t.Fatalf("sets %s", s.Name)
			}
		}
	})
}

// A helper that answers for a policy is this test binary.
func TestMain(m *testing.M) {
	if how := os.Getenv("FLEET_TEST_PROGRAM"); how != "" {
		os.Exit(programMain(how))
	}
	os.Exit(m.Run())
}

func programMain(how string) int {
	var q Question
	if err := json.NewDecoder(os.Stdin).Decode(&q); err != nil {
		return 9
	}
	switch how {
	case "keys":
		fmt.Printf(`{"keys":{"shared":{"0":{"passphrase":"of %s %s %s"}}},"settings":{"reader":["Eve"],"title":"x"}}`, q.Policy, q.Room, q.SID)
	case "nothing":
		fmt.Print(`{}`)
	case "null":
		fmt.Print(`{"keys":null}`)
	case "rooms":
		fmt.Print(`{"settings":{"rooms":["*"],"x":"a-secret"}}`)
	case "url":
		fmt.Print(`{"settings":{"url":"wss://a-secret"}}`)
	case "unknown":
		fmt.Print(`{"key":"a-secret"}`)
	case "twice":
		fmt.Print(`{}{"a-secret":1}`)
	case "text":
		fmt.Print(`a-secret`)
	case "long":
		fmt.Print(strings.Repeat("a-secret", maxAnswer/8+1))
	case "fails":
		fmt.Print(`{"keys":{"a-secret":1}}`)
		return 3
	case "says":
		fmt.Print(`{"keys":"cG9zc2libHkgYSBrZXk="}`)
		fmt.Fprintf(os.Stderr, "%sthe vault is sealed\x1b[2J\n+ echo {\"keys\":\"cG9zc2libHkgYSBrZXk=\"}\n", strings.Repeat("noise\n", 1<<16))
		return 3
	case "hangs":
		time.Sleep(time.Hour)
	case "leaves": // a child of its own, which holds its output
		c := exec.Command(os.Args[0])
		c.Env, c.Stdout, c.Stdin = []string{"FLEET_TEST_PROGRAM=hangs"}, os.Stdout, strings.NewReader(`{}`)
		if err := c.Start(); err != nil {
			return 9
		}
		fmt.Fprint(os.Stderr, c.Process.Pid)
		if err := os.WriteFile(os.Getenv("FLEET_TEST_LEFT"), nil, 0o600); err != nil {
			return 9
		}
		time.Sleep(time.Hour)
	case "env":
		fmt.Printf(`{"settings":{"title":%q}}`, strings.Join(os.Environ(), " "))
	}
	return 0
}

// The command of a policy answers with keys and settings, within its bounds.
func TestResolve(t *testing.T) {
	me, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p, err := ParsePolicy("board", []byte(boardPolicy+"command: ["+me+", an argument]\n"))
	if err != nil {
		t.Fatal(err)
	}
	ask := func(how string, limit time.Duration) (*Policy, []byte, error) {
		return p.Resolve(t.Context(), Program{Env: []string{"FLEET_TEST_PROGRAM=" + how}, Time: cmp.Or(limit, time.Hour)}, Question{"board", "board-may", "RM_1"})
	}
	got, keys, err := ask("keys", 0)
	if err != nil || string(keys) != `{"shared":{"0":{"passphrase":"of board board-may RM_1"}}}` {
		t.Fatalf("%s, %v", keys, err)
	}
	if !slices.Equal(got.Setting("reader"), []string{"Eve"}) || !slices.Equal(got.Setting("title"), []string{"x"}) || got.Setting("store") == nil ||
		!slices.Equal(p.Setting("reader"), []string{"Bob", "age1pq1: not a map"}) {
		t.Errorf("%+v of %+v", got.Settings, p.Settings)
	}
	for _, how := range []string{"nothing", "null"} {
		if got, keys, err := ask(how, 0); err != nil || keys != nil || len(got.Settings) != len(p.Settings) {
			t.Errorf("%s: %+v %s %v", how, got, keys, err)
		}
	}
	if got, _, err := ask("env", 0); err != nil || strings.Contains(got.Setting("title")[0], "PATH=") {
		t.Errorf("its environment: %v %v", got, err)
	}
	for _, how := range []string{"rooms", "url", "unknown", "twice", "text", "long", "fails"} {
		if _, _, err := ask(how, 0); err == nil || strings.Contains(err.Error(), "a-secret") {
			t.Errorf("%s: %v", how, err)
		}
	}
	if _, _, err := ask("hangs", 200*time.Millisecond); !errors.Is(err, ErrProgram) || !strings.Contains(err.Error(), "deadline") {
		t.Errorf("hangs: %v", err)
	}
	// What it said helps who looks for the reason, and has nothing of its answer.
	_, _, err = ask("says", 0)
	if err == nil || !strings.Contains(err.Error(), "the vault is sealed") || strings.Contains(err.Error(), "cG9zc2") || strings.Contains(err.Error(), "\x1b") || len(err.Error()) > 4<<10 {
		t.Errorf("says: %v", err)
	}
	p.Command = []string{filepath.Join(t.TempDir(), "not-there")}
	if _, _, err := ask("keys", 0); !errors.Is(err, ErrProgram) {
		t.Errorf("without the program: %v", err)
	}
}
