//go:build unix

package main

import (
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/doctor"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/keycmd"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/show"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// TestJSONDocumented holds that JSON.md lists each field that --json prints, and no
// other, of each command that has --json.
func TestJSONDocumented(t *testing.T) {
	doc, err := os.ReadFile("JSON.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := strings.Split(string(doc), "\n## ")[1:]
	row := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| .+ \\|$")
	printed := map[string]any{
		"info": show.InfoJSON{}, "list": []show.Listed{}, "verify": show.VerifyJSON{}, "record": recordJSON{}, "export": show.ExportJSON{},
		"decrypt": show.DecryptJSON{}, "attach": []show.AttachmentJSON{}, "doctor": doctor.Diagnosis{}, "keys list": []keycmd.PinJSON{}, "fleet status": []fleetRoomJSON{},
		"matrix login": matrixLoginJSON{}, "matrix verify": matrixVerifyJSON{}, "matrix show": matrixJSON{},
	}
	title := regexp.MustCompile("^`sealtape (keys list|fleet status|matrix [a-z]+|[a-z]+)( ID)? --json`\n")
	for _, section := range sections {
		m := title.FindStringSubmatch(section)
		if m == nil {
			t.Errorf("a section on something else: %.40q", section)
			continue
		}
		name := m[1]
		v, ok := printed[name]
		if !ok {
			t.Errorf("a section on %q", name)
			continue
		}
		delete(printed, name)
		var listed []string
		for _, m := range row.FindAllStringSubmatch(section, -1) {
			listed = append(listed, m[1])
		}
		fields := jsonFields(reflect.TypeOf(v), "")
		for _, f := range fields {
			if !slices.Contains(listed, f) {
				t.Errorf("%s prints %s, of which JSON.md says nothing", name, f)
			}
		}
		for i, f := range listed {
			if !slices.Contains(fields, f) || slices.Contains(listed[:i], f) {
				t.Errorf("JSON.md says that %s prints %s, or says it twice", name, f)
			}
		}
	}
	for name := range printed {
		t.Errorf("there is no section on %s", name)
	}
}

// TestJSONCommands holds that JSON.md has a section on each command with --json.
func TestJSONCommands(t *testing.T) {
	doc, err := os.ReadFile("JSON.md")
	if err != nil {
		t.Fatal(err)
	}
	var look func(commands []*cli.Command, before string)
	n := 0
	look = func(commands []*cli.Command, before string) {
		for _, c := range commands {
			look(c.Subcommands, before+c.Name+" ")
			for _, f := range c.Flags {
				if f.Names()[0] != "json" {
					continue
				}
				n++
				if !strings.Contains(string(doc), "\n## `sealtape "+before+c.Name+" ") {
					t.Errorf("JSON.md has no section on %s%s", before, c.Name)
				}
			}
		}
	}
	look(newApp(&ui.Env{}).Commands, "")
	if n == 0 {
		t.Error("no command has --json")
	}
}

// jsonFields returns the paths of the fields that a value of t has in JSON. What
// marshals itself is one field.
func jsonFields(t reflect.Type, path string) []string {
	self := reflect.TypeFor[json.Marshaler]()
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t.Implements(self) || reflect.PointerTo(t).Implements(self):
		return nil
	case t.Kind() == reflect.Slice:
		return jsonFields(t.Elem(), path+"[]")
	case t.Kind() != reflect.Struct:
		return nil
	}
	if path != "" {
		path += "."
	}
	var fields []string
	for f := range t.Fields() {
		if f.Anonymous {
			fields = append(fields, jsonFields(f.Type, strings.TrimSuffix(path, "."))...)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || !f.IsExported() {
			continue
		}
		fields = append(fields, path+name)
		fields = append(fields, jsonFields(f.Type, path+name)...)
	}
	return fields
}

// TestJSONKeepsLists holds that lists are there if they are empty.
func TestJSONKeepsLists(t *testing.T) {
	l := newDesk(t)
	home, ada := l.recorder("Ada")
	bobHome, _ := l.person("Bob", ada)
	store := l.dir + "/store"
	id := l.sealed(home, store)
	for _, args := range [][]string{{"info", id}, {"verify", id}, {"list"}} {
		for _, h := range []string{home, bobHome} {
			out, _, _ := l.run(h, nil, append(args, "--json", "--store", store)...)
			if !json.Valid([]byte(out)) || strings.Contains(out, "null") {
				t.Errorf("%v: %s", args, out)
			}
		}
	}
}
