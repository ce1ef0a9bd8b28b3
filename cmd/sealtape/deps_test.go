package main

import (
	"bytes"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	moduleRoot = "../.."
	modulePath = "github.com/sealtape/sealtape"
)

// trackedFiles returns the files of the repository, slash-separated and relative
// to its root. Outside a repository it returns all files.
func trackedFiles(t *testing.T) []string {
	t.Helper()
	if _, err := os.Stat(filepath.Join(moduleRoot, ".git")); err == nil {
		cmd := exec.Command("git", "ls-files", "-z")
		cmd.Dir = moduleRoot
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("git ls-files: %v", err)
		}
		return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	}
	var files []string
	err := filepath.WalkDir(moduleRoot, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "node_modules" {
			return fs.SkipDir
		}
		if d.Type().IsRegular() {
			rel, err := filepath.Rel(moduleRoot, p)
			if err != nil {
				return err
			}
			files = append(files, filepath.ToSlash(rel))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// within reports whether the folder dir is one of roots, or in one.
func within(dir string, roots ...string) bool {
	for _, r := range roots {
		if dir == r || strings.HasPrefix(dir, r+"/") {
			return true
		}
	}
	return false
}

// importAllowed holds the direction in which packages import one another: dir is
// the importing package's folder, imported an import path.
func importAllowed(dir, imported string) bool {
	for module, only := range map[string][]string{
		"github.com/urfave/cli":     {"cmd"},
		"github.com/minio/minio-go": {"archive/s3", "testdata"},
		"github.com/livekit":        {"recorder/livekit", "testdata"},
		"maunium.net/go":            {"recorder/matrix", "testdata"},
	} {
		if within(imported, module) && !within(dir, only...) {
			return false
		}
	}
	rel, ours := strings.CutPrefix(imported, modulePath+"/")
	if !ours {
		return true
	}
	if within(rel, "cmd") {
		return within(dir, "cmd") // which nothing else is made of
	}
	if within(rel, "recorder/replay") && within(dir, "cmd") {
		return false // a capture is not sealed
	}
	if within(dir, "recorder/fleet", "recorder/livekit/agent") {
		return within(rel, "internal", "testdata", dir) // one decides without a server, the other knows no recording
	}
	if within(rel, "recorder/bot") && !within(dir, "cmd", "testdata", "recorder/bot") {
		return false // a composition, which nothing is made of
	}
	if within(dir, "recorder/bot") {
		return within(rel, "archive", "keys", "recorder", "internal", "testdata") &&
			(dir != "recorder/bot" || !within(rel, "recorder/livekit", "recorder/matrix")) // any kind of room
	}
	if within(dir, "recorder/matrix") && within(rel, "recorder/livekit") || within(dir, "recorder/livekit") && within(rel, "recorder/matrix") {
		return false // recorder/bot/matrixroom brings them together
	}
	if within(dir, "recorder/matrix") && dir != "recorder/matrix" && within(rel, "recorder/matrix") && rel != dir {
		// A device's parts know nothing of it, nor of one another.
		return dir == "recorder/matrix/sso" && rel == "recorder/matrix/homeserver"
	}
	if within(dir, "playback/tape") {
		// A composition that runs in browsers, too: keys are too much for that.
		return within(rel, "archive", "playback", "recorder/media", "internal", "testdata") &&
			!within(rel, "playback/player", "playback/web", "archive/s3")
	}
	if within(dir, "playback/player") && within(rel, "playback/web") {
		return false // one of its faces
	}
	parts := []string{"archive", "keys", "recorder", "playback"}
	from, to := strings.SplitN(dir, "/", 2)[0], strings.SplitN(rel, "/", 2)[0]
	isPart := func(s string) bool { return within(s, parts...) }
	switch {
	case !isPart(from) || !isPart(to) || from == to:
		// Helpers of the tests may import anything, the parts only each other.
		return !isPart(from) || to != "cmd"
	case from == "playback":
		return within(rel, "recorder/media")
	}
	return false
}

func TestImportRules(t *testing.T) {
	for _, tt := range []struct {
		dir, imported string
		ok            bool
	}{
		{"playback", modulePath + "/recorder/media", true},
		{"playback/web", modulePath + "/recorder/media/matroska", true},
		{"playback", modulePath + "/recorder", false},
		{"playback", modulePath + "/recorder/mediator", false},
		{"recorder", modulePath + "/archive", false},
		{"recorder/livekit", modulePath + "/recorder", true},
		{"archive/s3", modulePath + "/archive", true},
		{"archive/s3", "github.com/minio/minio-go/v7/pkg/credentials", true},
		{"archive", "github.com/minio/minio-go/v7", false},
		{"recorder/matrix", "maunium.net/go/mautrix/id", true},
		{"recorder/bot", "maunium.net/go/mautrix", false},
		{"cmd/sealtape", "maunium.net/go/mautrix", false},
		{"recorder", "github.com/livekit/protocol/livekit", false},
		{"testdata/members", "github.com/livekit/server-sdk-go/v2", true},
		{"keys", "github.com/urfave/cli/v2", false},
		{"cmd/sealtape", "github.com/urfave/cli/v2", true},
		{"cmd/sealtape", modulePath + "/keys", true},
		{"keys", modulePath + "/cmd/sealtape", false},
		{"cmd/sealtape", modulePath + "/recorder/replay", false},
		{"keys", "filippo.io/age", true},
		{"playback/tape", modulePath + "/archive", true},
		{"playback/tape", modulePath + "/archive/s3", false},
		{"playback/tape", modulePath + "/keys", false},
		{"playback/tape", modulePath + "/playback/web", false},
		{"playback/tape", modulePath + "/playback/player", false},
		{"playback/player", modulePath + "/playback/tape", true},
		{"playback/player", modulePath + "/playback/web", false},
		{"playback/player", modulePath + "/archive", false},
		{"playback/web", modulePath + "/playback/player", true},
		{"playback/web", modulePath + "/archive", false},
		{"playback", modulePath + "/archive", false},
		{"recorder/bot", modulePath + "/archive", true},
		{"recorder/bot", modulePath + "/keys/member", true},
		{"recorder/bot", modulePath + "/playback", false},
		{"recorder/bot", modulePath + "/recorder/livekit", false},
		{"recorder/bot", "github.com/urfave/cli/v2", false},
		{"recorder/bot/livekitroom", modulePath + "/recorder/livekit", true},
		{"recorder/bot", modulePath + "/recorder/matrix", false},
		{"recorder/bot/matrixroom", modulePath + "/recorder/matrix", true},
		{"recorder/bot/matrixroom", modulePath + "/recorder/livekit", true},
		{"recorder/bot/matrixroom", "maunium.net/go/mautrix/id", false},
		{"recorder/bot/matrixroom", "github.com/livekit/protocol/livekit", false},
		{"recorder/matrix", modulePath + "/recorder/livekit", false},
		{"recorder/livekit", modulePath + "/recorder/matrix", false},
		{"recorder/matrix", modulePath + "/recorder/matrix/rtc", true},
		{"recorder/matrix/rtc", modulePath + "/recorder/matrix/token", false},
		{"recorder/matrix/sso", modulePath + "/recorder/matrix/homeserver", true},
		{"recorder/bot/matrixroom", modulePath + "/recorder/matrix/token", true},
		{"cmd/sealtape", modulePath + "/recorder/bot", true},
		{"recorder", modulePath + "/recorder/bot", false},
		{"recorder/fleet", modulePath + "/recorder", false},
		{"recorder/fleet", modulePath + "/recorder/livekit/agent", false},
		{"recorder/livekit/agent", modulePath + "/recorder/livekit", false},
		{"recorder/livekit/agent", "github.com/livekit/protocol/livekit", true},
		{"cmd/sealtape/internal/worker", modulePath + "/recorder/fleet", true},
		{"archive", modulePath + "/recorder/bot", false},
		{"playback", modulePath + "/recorder/bot", false},
	} {
		if got := importAllowed(tt.dir, tt.imported); got != tt.ok {
			t.Errorf("importAllowed(%q, %q) = %v", tt.dir, tt.imported, got)
		}
	}

	files, imports := 0, 0
	for _, f := range trackedFiles(t) {
		if !strings.HasSuffix(f, ".go") {
			continue
		}
		src := parseFile(t, f, parser.ImportsOnly)
		if src == nil {
			continue
		}
		files++
		for _, spec := range src.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			imports++
			if path.Base(f) == "example_test.go" && path.Dir(f) == "recorder/bot" && imported == modulePath+"/recorder/livekit" {
				continue // it shows one kind of room
			}
			if f == "playback/web/ui_keys_test.go" && imported == modulePath+"/keys" {
				continue // its readers have cards, and the command takes what the page makes
			}
			if !importAllowed(path.Dir(f), imported) {
				t.Errorf("%s must not import %s", f, imported)
			}
		}
	}
	if files < 20 || imports < 100 {
		t.Errorf("looked at %d files with %d imports only", files, imports)
	}
}

// parseFile parses a tracked Go file. It returns nil for one that was deleted
// and not committed yet.
func parseFile(t *testing.T, name string, mode parser.Mode) *ast.File {
	t.Helper()
	src, err := parser.ParseFile(token.NewFileSet(), filepath.Join(moduleRoot, filepath.FromSlash(name)), nil, mode)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// Every package says what it is for.
func TestPackageComments(t *testing.T) {
	commented := make(map[string]bool)
	for _, f := range trackedFiles(t) {
		if !strings.HasSuffix(f, ".go") || strings.HasSuffix(f, "_test.go") {
			continue
		}
		src := parseFile(t, f, parser.PackageClauseOnly|parser.ParseComments)
		if src == nil {
			continue
		}
		dir := path.Dir(f)
		commented[dir] = commented[dir] || src.Doc != nil && len(strings.TrimSpace(src.Doc.Text())) > 40
	}
	if len(commented) < 8 {
		t.Errorf("looked at %d packages only", len(commented))
	}
	for dir, ok := range commented {
		if !ok {
			t.Errorf("package %s has no comment that says what it is for", dir)
		}
	}
}

// machinePath matches the paths of someone's machine.
var machinePath = regexp.MustCompile(`(^|[^A-Za-z0-9_.~$}/-])/(home|root|work|Users|tmp/w)/[A-Za-z0-9_.]`)

// Nothing in the repository depends on where someone had it.
func TestNoMachinePaths(t *testing.T) {
	slash := "/"
	for s, want := range map[string]bool{
		"see " + slash + "home/ada/x":            true,
		`"` + slash + "root/x":                   true,
		"$WORK" + slash + "home/x":               false,
		"https://example.org" + slash + "home/x": false,
	} {
		if machinePath.MatchString(s) != want {
			t.Errorf("%q: match is %v", s, !want)
		}
	}
	n := 0
	for _, f := range trackedFiles(t) {
		b, err := os.ReadFile(filepath.Join(moduleRoot, filepath.FromSlash(f)))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		n++
		if bytes.IndexByte(b[:min(len(b), 8000)], 0) >= 0 {
			continue // not text
		}
		for i, line := range bytes.Split(b, []byte("\n")) {
			if bytes.IndexByte(line, '/') < 0 {
				continue // most are none, and the expression is slow with -race
			}
			if m := machinePath.Find(line); m != nil {
				t.Errorf("%s:%d names a path of a machine: %q", f, i+1, m)
			}
		}
	}
	if n < 50 {
		t.Errorf("looked at %d files only", n)
	}
}

// Without a committed corpus a fuzz target tests next to nothing, and says so
// nowhere.
func TestFuzzTargetsHaveCorpora(t *testing.T) {
	target := regexp.MustCompile(`(?m)^func (Fuzz\w+)\(\w+ \*testing\.F\)`)
	inputs := make(map[string]int) // by folder of a corpus
	files := trackedFiles(t)
	for _, name := range files {
		inputs[path.Dir(name)]++
	}
	targets := 0
	for _, name := range files {
		if !strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := os.ReadFile(filepath.Join(moduleRoot, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range target.FindAllSubmatch(src, -1) {
			targets++
			if n := inputs[path.Join(path.Dir(name), "testdata", "fuzz", string(m[1]))]; n < 2 {
				t.Errorf("%s: %s has %d committed inputs", name, m[1], n)
			}
		}
	}
	if targets < 20 {
		t.Errorf("%d fuzz targets were found", targets)
	}
}

// A time of 0 is a time: omitempty on a number of seconds would lose the beginning
// of what begins with the recording.
func TestNoTimeIsOmitted(t *testing.T) {
	times := regexp.MustCompile(`(?i)(time|from|to|start|begin|end|duration|since|late|ms|seconds)$`)
	fields, tagged := 0, 0
	for _, name := range trackedFiles(t) {
		if !strings.HasSuffix(name, ".go") {
			continue
		}
		src := parseFile(t, name, 0)
		if src == nil {
			continue
		}
		ast.Inspect(src, func(n ast.Node) bool {
			f, ok := n.(*ast.Field)
			if !ok || f.Tag == nil || len(f.Names) == 0 {
				return true
			}
			fields++
			tag := reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("json")
			if !strings.Contains(tag, ",omitempty") && !strings.Contains(tag, ",omitzero") {
				return true
			}
			tagged++
			kind := "" // a pointer is nil where there is no time
			switch x := f.Type.(type) {
			case *ast.Ident:
				kind = x.Name
			case *ast.SelectorExpr:
				kind = x.Sel.Name
			}
			isInt := slices.Contains([]string{"int", "int32", "int64", "uint32", "uint64"}, kind)
			if slices.Contains([]string{"seconds", "Duration", "float32", "float64"}, kind) || isInt && times.MatchString(f.Names[0].Name) {
				t.Errorf("%s: %s is left out of JSON where it is 0", name, f.Names[0].Name)
			}
			return true
		})
	}
	if fields < 200 || tagged < 50 {
		t.Errorf("looked at %d fields only, %d with omitempty", fields, tagged)
	}
}
