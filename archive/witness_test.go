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

// witness asks npm's age-encryption, which shares no code with ours.
func witness(t *testing.T, command string, input any) ([]byte, error) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(witnessDir, "node_modules/age-encryption/package.json")); err != nil {
		t.Fatalf("age-encryption is not installed: run npm ci in testdata/witness, or make deps: %v", err)
	}
	in, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "witness.js", command)
	cmd.Dir = witnessDir
	cmd.Stdin = bytes.NewReader(in)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, stderr.Bytes())
	}
	return out, err
}

// mustWitness is witness for what must work.
func mustWitness(t *testing.T, command string, input any) string {
	t.Helper()
	out, err := witness(t, command, input)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

type openInput struct {
	Identity string `json:"identity"`
	Epoch    string `json:"epoch"`
	Segment  string `json:"segment"`
}

type sealInput struct {
	Recipients []string `json:"recipients"`
	Text       string   `json:"text"`
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
	for n, want := range segments {
		for epoch, identity := range map[string]string{"000001.age": pq.String(), "000001-classic.age": x.String()} {
			got, err := witness(t, "open", openInput{identity, filepath.Join(folder, "epochs", epoch), filepath.Join(folder, fmt.Sprintf("segments/%06d.age", n))})
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("segment %d through %s: %d bytes, %v, want %d", n, epoch, len(got), err, len(want))
			}
		}
	}
	if got, err := witness(t, "open", openInput{stranger.String(), filepath.Join(folder, "epochs/000001.age"), filepath.Join(folder, "segments/000000.age")}); err == nil || len(got) > 0 {
		t.Errorf("a stranger's key gives %d bytes, %v", len(got), err)
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
	got := mustWitness(t, "open", openInput{lines[len(lines)-1], filepath.Join(folder, "epochs/000001.age"), filepath.Join(folder, "segments/000000.age")})
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
	secretLine := mustWitness(t, "new", struct{}{})
	secret, err := age.ParseHybridIdentity(strings.TrimSuffix(secretLine, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	seal := func(text string, to ...string) string {
		return mustWitness(t, "seal", sealInput{to, text})
	}
	toPQ, toX := pq.Recipient().String(), x.Recipient().String()
	segment := seal("media", secret.Recipient().String())
	hybridFile := seal(secretLine, toPQ, hybrid(t).Recipient().String())
	classicFile := seal(secretLine, toX, classic(t).Recipient().String())
	wantStanzas(t, hybridFile, "mlkem768x25519", 2)
	wantStanzas(t, classicFile, "X25519", 2)

	for name, test := range map[string]struct {
		epochs [][2]string
		pq, x  bool // who reads
	}{
		"hybrid":                     {[][2]string{{"epochs/000001.age", hybridFile}}, true, false},
		"classic":                    {[][2]string{{"epochs/000001-classic.age", classicFile}}, false, true},
		"both":                       {[][2]string{{"epochs/000001.age", hybridFile}, {"epochs/000001-classic.age", classicFile}}, true, true},
		"mixed":                      {[][2]string{{"epochs/000001.age", seal(secretLine, toPQ, toX)}}, false, false},
		"mixed, the other way round": {[][2]string{{"epochs/000001.age", seal(secretLine, toX, toPQ)}}, false, false},
		"mixed, as classic":          {[][2]string{{"epochs/000001-classic.age", seal(secretLine, toX, toPQ)}}, false, false},
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
