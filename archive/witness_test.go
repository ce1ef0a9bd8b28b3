package archive_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/testdata/sample"
)

const witnessDir = "../testdata/witness"

// An ask is one thing that the witness is to do; see witness.js.
type ask struct {
	Command    string   `json:"command"`
	Identity   string   `json:"identity,omitempty"`
	Epoch      string   `json:"epoch,omitempty"`
	Segment    string   `json:"segment,omitempty"`
	Recipients []string `json:"recipients,omitempty"`
	Text       string   `json:"text,omitempty"`
}

// An answer is what came of it.
type answer struct {
	Data  []byte `json:"data"`
	Error string `json:"error"`
}

// witness asks npm's age-encryption, which shares no code with ours, all in one process.
func witness(t *testing.T, asks ...ask) []answer {
	t.Helper()
	if _, err := os.Stat(filepath.Join(witnessDir, "node_modules/age-encryption/package.json")); err != nil {
		t.Fatalf("age-encryption is not installed: run npm ci in testdata/witness, or make deps: %v", err)
	}
	in, err := json.Marshal(asks)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "witness.js")
	cmd.Dir = witnessDir
	cmd.Stdin = bytes.NewReader(in)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	var answers []answer
	if err := json.Unmarshal(out, &answers); err != nil || len(answers) != len(asks) {
		t.Fatalf("%d answers to %d questions, %v", len(answers), len(asks), err)
	}
	return answers
}

// mustWitness is witness for what must work.
func mustWitness(t *testing.T, asks ...ask) (all []string) {
	t.Helper()
	for i, a := range witness(t, asks...) {
		if a.Error != "" {
			t.Fatalf("%s: %s", asks[i].Command, a.Error)
		}
		all = append(all, string(a.Data))
	}
	return all
}

// An archive of today opens in Node, with each kind of key that Node has.
func TestNodeOpens(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	spool, s := t.TempDir(), newSigner(t, "recorder")
	pq, x, stranger := hybrid(t), classic(t), hybrid(t)
	w := create(t, spool, archive.Config{Signer: s}, pq.Recipient(), x.Recipient())
	segments := [][]byte{content(0, 200_000), {}, content(2, 64<<10)}
	for _, data := range segments {
		commit(t, begin(t, w, archive.Segment, data))
	}
	closeWriter(t, w)
	folder := filepath.Join(spool, w.ID())
	var asks []ask
	for n := range segments {
		for _, by := range [][2]string{{"000001.age", pq.String()}, {"000001-classic.age", x.String()}, {"000001.age", stranger.String()}} {
			asks = append(asks, ask{Command: "open", Identity: by[1], Epoch: filepath.Join(folder, "epochs", by[0]),
				Segment: filepath.Join(folder, fmt.Sprintf("segments/%06d.age", n))})
		}
	}
	for i, got := range witness(t, asks...) {
		want := segments[i/3]
		switch {
		case asks[i].Identity == stranger.String():
			if got.Error == "" || len(got.Data) > 0 {
				t.Errorf("a stranger's key gives %d bytes of segment %d", len(got.Data), i/3)
			}
		case got.Error != "" || !bytes.Equal(got.Data, want):
			t.Errorf("segment %d through %s: %d bytes, %s, want %d", i/3, filepath.Base(asks[i].Epoch), len(got.Data), got.Error, len(want))
		}
	}
}

// So does the archive that was sealed when the format was new.
func TestNodeOpensV1(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	v1, err := filepath.Abs("../testdata/archives/v1")
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(filepath.Join(v1, "ada.txt"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Fields(string(key))
	sums, err := os.ReadFile(filepath.Join(v1, "plaintext.sha256"))
	if err != nil {
		t.Fatal(err)
	}
	// The first segment of the closed recording, in epoch 1.
	sum, name, _ := strings.Cut(strings.SplitN(string(sums), "\n", 2)[0], "  ")
	id, _, _ := strings.Cut(name, "/")
	folder := filepath.Join(v1, "store", id)
	got := mustWitness(t, ask{Command: "open", Identity: lines[len(lines)-1], Epoch: filepath.Join(folder, "epochs/000001.age"),
		Segment: filepath.Join(folder, "segments/000000.age")})[0]
	if have := fmt.Sprintf("%x", sha256.Sum256([]byte(got))); have != sum {
		t.Errorf("%d bytes with SHA-256 %s, want %s", len(got), have, sum)
	}
}

// What Node writes by the format is read here; an epoch file that mixes the two
// kinds of keys, which its library does not mind, is refused whoever asks.
func TestNodeWrites(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	s, pq, x := newSigner(t, "recorder"), hybrid(t), classic(t)
	secretLine := mustWitness(t, ask{Command: "new"})[0]
	secret, err := age.ParseHybridIdentity(strings.TrimSuffix(secretLine, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	seal := func(text string, to ...string) ask { return ask{Command: "seal", Recipients: to, Text: text} }
	toPQ, toX := pq.Recipient().String(), x.Recipient().String()
	sealed := mustWitness(t,
		seal("media", secret.Recipient().String()),
		seal(secretLine, toPQ, hybrid(t).Recipient().String()),
		seal(secretLine, toX, classic(t).Recipient().String()),
		seal(secretLine, toPQ, toX),
		seal(secretLine, toX, toPQ))
	segment, hybridFile, classicFile, mixed, mixedX := sealed[0], sealed[1], sealed[2], sealed[3], sealed[4]
	wantStanzas(t, hybridFile, "mlkem768x25519", 2)
	wantStanzas(t, classicFile, "X25519", 2)

	for name, test := range map[string]struct {
		epochs [][2]string
		pq, x  bool // who reads
	}{
		"hybrid":                     {[][2]string{{"epochs/000001.age", hybridFile}}, true, false},
		"classic":                    {[][2]string{{"epochs/000001-classic.age", classicFile}}, false, true},
		"both":                       {[][2]string{{"epochs/000001.age", hybridFile}, {"epochs/000001-classic.age", classicFile}}, true, true},
		"mixed":                      {[][2]string{{"epochs/000001.age", mixed}}, false, false},
		"mixed, the other way round": {[][2]string{{"epochs/000001.age", mixedX}}, false, false},
		"mixed, as classic":          {[][2]string{{"epochs/000001-classic.age", mixedX}}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			store, id := forge(t, s, append(test.epochs, [2]string{"segments/000000.age", segment})...)
			for _, reader := range []struct {
				name string
				key  age.Identity
				ok   bool
			}{{"hybrid", pq, test.pq}, {"classic", x, test.x}} {
				r, err := archive.Open(t.Context(), store, id, archive.Options{Verifiers: s.verifiers, Identities: []age.Identity{reader.key}})
				if err != nil {
					t.Fatal(err)
				}
				got, err := r.ReadSegment(t.Context(), 0)
				if reader.ok && (err != nil || string(got) != "media") || !reader.ok && (err == nil || got != nil) {
					t.Errorf("the %s reader gets %q, %v", reader.name, got, err)
				}
				var bad *archive.CorruptError
				if mixed := !test.pq && !test.x; mixed != errors.As(err, &bad) {
					t.Errorf("the %s reader is told %v", reader.name, err)
				}
			}
		})
	}
}
