package web_test

import (
	"bytes"
	b64 "encoding/base64"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/sealtape/sealtape/testdata/sample"
)

func base64(b []byte) string { return b64.StdEncoding.EncodeToString(b) }

func seal(t *testing.T, text string, to ...age.Recipient) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// An unlabelled recipient can be mixed with others, which age does not let one do.
type unlabelled struct{ age.Recipient }

func (u unlabelled) Wrap(key []byte) ([]*age.Stanza, error) { return u.Recipient.Wrap(key) }

func hybrid(t *testing.T) *age.HybridIdentity {
	t.Helper()
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// A reader's keys open epoch files as package archive does, and no others.
func TestSecrets(t *testing.T) {
	sample.Live(t)
	own, older, other, secret := hybrid(t), hybrid(t), hybrid(t), hybrid(t)
	classic, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	line := secret.String() + "\n"
	const recording = "01JD3Q8ZC5ABCDEFGHJKMNPQR0"
	grant := "sealtape.v1/grant\nrecording: " + recording + "\nto: key\ntime: 2026-11-29T12:00:00Z\nepoch: 1 " + line
	good := seal(t, line, other.Recipient(), own.Recipient())
	foreign := seal(t, line, other.Recipient())
	damaged := bytes.Clone(good)
	damaged[len(damaged)-1] ^= 1
	tests := map[string]struct {
		files [][]byte
		want  string // "" is null, what begins with "!" a part of the error
		share string // the recording of which the file is taken for a share; "" for an epoch's files
	}{
		"ours":                      {files: [][]byte{good}, want: secret.String()},
		"ours after another's":      {files: [][]byte{foreign, good}, want: secret.String()},
		"an older key's":            {files: [][]byte{seal(t, line, older.Recipient())}, want: secret.String()},
		"a classic key's":           {files: [][]byte{seal(t, line, classic.Recipient())}, want: secret.String()},
		"another's":                 {files: [][]byte{foreign, foreign}, want: ""},
		"none":                      {files: nil, want: ""},
		"damaged":                   {files: [][]byte{damaged}, want: "!not a file of an epoch"},
		"ours after a damaged one":  {files: [][]byte{damaged, good}, want: secret.String()},
		"both kinds of key":         {files: [][]byte{seal(t, line, unlabelled{own.Recipient()}, classic.Recipient())}, want: "!mixes classic and post-quantum"},
		"no age file":               {files: [][]byte{[]byte("hello")}, want: "!not a file of an epoch"},
		"nothing":                   {files: [][]byte{{}}, want: "!not a file of an epoch"},
		"no secret in it":           {files: [][]byte{seal(t, "hello\n", own.Recipient())}, want: "!holds no secret"},
		"no end of the line":        {files: [][]byte{seal(t, secret.String(), own.Recipient())}, want: "!holds no secret"},
		"a classic secret":          {files: [][]byte{seal(t, classic.String()+"\n", own.Recipient())}, want: "!holds no secret"},
		"more than a secret":        {files: [][]byte{seal(t, line+line, own.Recipient())}, want: "!holds no secret"},
		"larger than it may be":     {files: [][]byte{append(bytes.Clone(good), make([]byte, 1<<20)...)}, want: "!larger"},
		"a share":                   {files: [][]byte{seal(t, grant, other.Recipient(), own.Recipient())}, want: grant, share: recording},
		"a share for others":        {files: [][]byte{seal(t, grant, other.Recipient())}, share: recording},
		"another recording's share": {files: [][]byte{seal(t, grant, own.Recipient())}, want: "!not a share of this recording", share: recording[:25] + "4"},
		"an epoch's file as share":  {files: [][]byte{good}, want: "!not a share of this recording", share: recording},
		"a share to a classic key":  {files: [][]byte{seal(t, grant, classic.Recipient())}, want: "!classic keys", share: recording},
		"a damaged share":           {files: [][]byte{damaged}, want: "!not a share", share: recording},
		"no text that can be shown": {files: [][]byte{seal(t, "\xff\n", own.Recipient())}, want: "!not a file of an epoch"},
	}
	type question struct {
		Name       string
		Identities []string
		Files      []string
		Share      string
	}
	var questions []question
	for name, test := range tests {
		q := question{Name: name, Identities: []string{own.String(), older.String(), classic.String()}, Share: test.share}
		for _, f := range test.files {
			q.Files = append(q.Files, base64(f))
		}
		questions = append(questions, q)
	}
	in, err := json.Marshal(questions)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "../testdata/secrets.mjs")
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	var answers map[string]struct{ Secret, Error string }
	if err := json.Unmarshal(out, &answers); err != nil {
		t.Fatal(err)
	}
	for name, test := range tests {
		a := answers[name]
		if part, refused := strings.CutPrefix(test.want, "!"); refused && !strings.Contains(a.Error, part) || !refused && (a.Secret != test.want || a.Error != "") {
			t.Errorf("%s: %+v, want %s", name, a, test.want)
		}
		if strings.Contains(a.Error, "AGE-SECRET") {
			t.Errorf("%s: the error tells a secret: %s", name, a.Error)
		}
	}
}

// What needs no browser is tested with node.
func TestModules(t *testing.T) {
	sample.Live(t)
	files, err := filepath.Glob("../testdata/*.test.mjs")
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests found: %v", err)
	}
	for _, file := range files { // without --test, which runs each in another process
		if out, err := exec.CommandContext(t.Context(), "node", file).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", file, err, out)
		}
	}
}
