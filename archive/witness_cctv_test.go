package archive_test

import (
	"bytes"
	"compress/zlib"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"

	agetest "c2sp.org/CCTV/age"
	"filippo.io/age"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/testdata/sample"
)

// A vector is one of CCTV's test files for implementations of age.
type vector struct {
	name       string
	expect     string
	payload    string // SHA-256 of what can be read, in hex
	fileKey    []byte
	identities []age.Identity
	secrets    []string // the same, as text
	hybrid     bool     // one of them is
	file       string
}

// vectors returns all of them.
func vectors(t *testing.T) (all []vector) {
	t.Helper()
	names, err := fs.ReadDir(agetest.Vectors, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		text, err := fs.ReadFile(agetest.Vectors, n.Name())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, parseVector(t, n.Name(), string(text)))
	}
	if len(all) < 140 {
		t.Fatalf("found %d vectors only", len(all))
	}
	return all
}

func parseVector(t *testing.T, name, text string) vector {
	t.Helper()
	head, file, ok := strings.Cut(text, "\n\n")
	if !ok {
		t.Fatalf("%s: no file", name)
	}
	v := vector{name: name, file: file}
	for line := range strings.Lines(head) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		var id age.Identity
		var err error
		switch key {
		case "expect":
			v.expect = value
		case "payload":
			v.payload = value
		case "file key":
			v.fileKey, err = hex.DecodeString(value)
		case "passphrase":
			id, err = age.NewScryptIdentity(value)
		case "identity":
			if strings.HasPrefix(value, "AGE-SECRET-KEY-PQ-") {
				v.hybrid = true
				id, err = age.ParseHybridIdentity(value)
			} else {
				id, err = age.ParseX25519Identity(value)
			}
		case "compressed":
			r, zerr := zlib.NewReader(strings.NewReader(v.file))
			if zerr != nil {
				t.Fatalf("%s: %v", name, zerr)
			}
			var b []byte
			b, err = io.ReadAll(r)
			v.file = string(b)
		case "armored", "comment":
		default:
			t.Fatalf("%s: unknown key %q", name, key)
		}
		if err != nil {
			t.Fatalf("%s: %s: %v", name, key, err)
		}
		if id != nil {
			v.identities = append(v.identities, id)
			v.secrets = append(v.secrets, value)
		}
	}
	return v
}

// armored reports whether the file is text, which no object of an archive is.
func (v vector) armored() bool { return strings.HasPrefix(v.name, "armor_") }

// As an epoch file each vector is opened, told from one for others, or refused,
// as it says; and refused too where FORMAT.md allows less than age does.
func TestVectorsAsEpochs(t *testing.T) {
	t.Parallel()
	s := newSigner(t, "recorder")
	opened, tried, all := 0, 0, vectors(t)
	for i := range sample.Cases(t, len(all), 50) {
		v := all[i]
		tried++
		name := "epochs/000001-classic.age"
		if v.hybrid {
			name = "epochs/000001.age"
		}
		if len(v.identities) == 0 {
			v.identities = []age.Identity{classic(t)}
		}
		store, id := forge(t, s, [2]string{name, v.file})
		r, err := archive.Open(t.Context(), store, id, archive.Options{Verifiers: s.verifiers, Identities: v.identities})
		if err != nil {
			t.Fatal(err)
		}
		secret, err := r.EpochSecret(t.Context(), 1)
		if err == nil || secret != nil {
			t.Fatalf("%s: gives a secret, which is in none", v.name)
		}
		var bad *archive.CorruptError
		corrupt := errors.As(err, &bad)
		want := v.expect
		switch {
		case v.armored():
			want = "armor failure"
		case len(v.file) > 4<<20:
			want = "too large"
		case v.name == "hybrid_and_x25519" || v.name == "hybrid_grease" || v.name == "hybrid_uppercase" || v.name == "hybrid_x25519_arg":
			want = "mixed" // or of a type that nobody knows to be post-quantum
		}
		var ok bool
		switch want {
		case "success":
			opened++
			ok = corrupt && strings.Contains(err.Error(), "holds no epoch secret") // but was decrypted
		case "no match":
			ok = errors.Is(err, archive.ErrNoKey)
		case "too large":
			ok = corrupt && errors.Is(err, archive.ErrTooLarge)
		case "mixed":
			ok = corrupt && strings.Contains(err.Error(), "must not have")
		case "payload failure":
			ok = corrupt // whether the payload or, as it is cut, the secret in it
		default: // header, HMAC or armor failure
			ok = !errors.Is(err, archive.ErrNoKey) && !strings.Contains(err.Error(), "holds no epoch secret")
		}
		if !ok {
			t.Errorf("%s: want %s, got %v", v.name, want, err)
		}
	}
	if tried == len(all) && opened < 14 {
		t.Errorf("opened %d vectors only", opened)
	}
}

// As a segment a vector gives the plaintext that it says, or none of it; as a
// torn one the part that it says is authentic.
func TestVectorsAsSegments(t *testing.T) {
	t.Parallel()
	s, reader := newSigner(t, "recorder"), hybrid(t)
	// Those that can be a segment.
	all := slices.DeleteFunc(vectors(t), func(v vector) bool {
		return v.armored() || !(len(v.secrets) == 1 && v.hybrid) && !strings.HasPrefix(v.name, "stream_")
	})
	whole, part, refused, tried := 0, 0, 0, 0
	for i := range sample.Cases(t, len(all), 16) {
		v := all[i]
		tried++
		var secret string
		file := v.file
		if len(v.secrets) == 1 && v.hybrid {
			secret = v.secrets[0]
		} else {
			// Made for X25519, and about what comes after the header.
			id := hybrid(t)
			secret, file = id.String(), rewrap(t, v, id.Recipient())
		}
		epoch := encrypt(t, secret+"\n", reader.Recipient())
		for _, name := range []string{"segments/000000.age", "segments/000000-torn.age"} {
			store, id := forge(t, s, [2]string{"epochs/000001.age", epoch}, [2]string{name, file})
			r, err := archive.Open(t.Context(), store, id, archive.Options{Verifiers: s.verifiers, Identities: []age.Identity{reader}})
			if err != nil {
				t.Fatal(err)
			}
			got, err := r.ReadSegment(t.Context(), 0)
			var bad *archive.CorruptError
			var torn *archive.TornError
			sum := fmt.Sprintf("%x", sha256.Sum256(got))
			switch {
			case v.expect == "success":
				if whole++; err != nil || sum != v.payload {
					t.Errorf("%s as %s: SHA-256 %s, %v, want %s", v.name, name, sum, err, v.payload)
				}
			case v.expect == "payload failure" && strings.Contains(name, "torn"):
				if part++; !errors.As(err, &torn) || v.payload != "" && sum != v.payload {
					t.Errorf("%s as %s: %d bytes, SHA-256 %s, %v, want %s", v.name, name, len(got), sum, err, v.payload)
				}
			default:
				if refused++; !errors.As(err, &bad) || got != nil {
					t.Errorf("%s as %s: %d bytes, %v, want a CorruptError (%s)", v.name, name, len(got), err, v.expect)
				}
			}
		}
	}
	if tried == len(all) && (whole < 20 || part < 15 || refused < 30) {
		t.Errorf("read %d whole and %d in part, refused %d", whole, part, refused)
	}
}

// rewrap returns the vector's file with another header, to the recipient.
func rewrap(t *testing.T, v vector, to *age.HybridRecipient) string {
	t.Helper()
	i := strings.Index(v.file, "\n--- ")
	_, payload, ok := strings.Cut(v.file[i+1:], "\n")
	if i < 0 || !ok || len(v.fileKey) != 16 {
		t.Fatalf("%s: no header or no file key", v.name)
	}
	stanzas, err := to.Wrap(v.fileKey)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	b.WriteString("age-encryption.org/v1\n")
	for _, s := range stanzas {
		fmt.Fprintf(&b, "-> %s %s\n", s.Type, strings.Join(s.Args, " "))
		body := base64.RawStdEncoding.EncodeToString(s.Body)
		for ; len(body) >= 64; body = body[64:] {
			b.WriteString(body[:64] + "\n")
		}
		b.WriteString(body + "\n")
	}
	b.WriteString("---")
	key, err := hkdf.Key(sha256.New, v.fileKey, nil, "header", 32)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(b.Bytes())
	fmt.Fprintf(&b, " %s\n", base64.RawStdEncoding.EncodeToString(mac.Sum(nil)))
	return b.String() + payload
}
