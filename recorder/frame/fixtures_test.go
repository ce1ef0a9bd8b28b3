package frame

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/sealtape/sealtape/recorder/media"
)

// A fixture is one file of testdata/frames; its README describes the fields.
type fixture struct {
	About         string      `json:"about"`
	Codec         media.Codec `json:"codec"`
	KeySize       int         `json:"keySize"`
	RatchetWindow int         `json:"ratchetWindow"`
	Keys          []struct {
		Index      int    `json:"index"`
		Passphrase string `json:"passphrase"`
		Raw        []byte `json:"raw"`
		Derivation string `json:"derivation"`
	} `json:"keys"`
	SIFTrailer []byte `json:"sifTrailer"`
	Frames     []struct {
		Encrypted []byte `json:"encrypted"`
		Plain     []byte `json:"plain"`
		Key       bool   `json:"key"`
	} `json:"frames"`
	Packets []struct {
		RTP []byte  `json:"rtp"`
		MS  float64 `json:"ms"`
	} `json:"packets"`
	SIF  uint64 `json:"sif"`
	Lost uint64 `json:"lost"`
}

const fixtureDir = "../../testdata/frames"

// loadFixtures returns all fixtures by file name; none is an error.
func loadFixtures(t testing.TB) map[string]*fixture {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(fixtureDir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(names) < 6 {
		t.Fatalf("found %d fixtures in %s", len(names), fixtureDir)
	}
	all := make(map[string]*fixture)
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f := new(fixture)
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.DisallowUnknownFields()
		if err := dec.Decode(f); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(f.Frames)+len(f.Packets) == 0 || len(f.Keys) == 0 || f.About == "" {
			t.Fatalf("%s: no frames, no keys or no word about its origin", name)
		}
		all[filepath.Base(name)] = f
	}
	return all
}

func (f *fixture) keyring(t testing.TB) *Keyring {
	t.Helper()
	k := NewKeyring(256, KeyOptions{Size: f.KeySize, RatchetWindow: f.RatchetWindow})
	for _, key := range f.Keys {
		raw, d := key.Raw, PBKDF2
		if key.Passphrase != "" {
			raw = []byte(key.Passphrase)
		} else if key.Derivation == "hkdf" {
			d = HKDF
		}
		if err := k.SetRaw(key.Index, raw, d); err != nil {
			t.Fatal(err)
		}
	}
	return k
}

// assemble runs the fixture's packets through an Assembler.
func (f *fixture) assemble(t testing.TB) (frames []Unit, stats Stats) {
	t.Helper()
	a := NewAssembler(AssemblerConfig{Codec: f.Codec, SIFTrailer: f.SIFTrailer})
	take := func(now time.Time) {
		for u, ok := a.Pop(now); ok; u, ok = a.Pop(now) {
			if u.Kind == UnitFrame {
				frames = append(frames, u)
			}
		}
	}
	var now time.Time
	for i, p := range f.Packets {
		packet := new(rtp.Packet)
		if err := packet.Unmarshal(p.RTP); err != nil {
			t.Fatalf("packet %d: %v", i, err)
		}
		now = epoch.Add(time.Duration(p.MS * float64(time.Millisecond)))
		a.Push(packet, now)
		take(now)
	}
	a.Flush()
	take(now)
	return frames, a.Stats()
}

func TestFixtures(t *testing.T) {
	for name, f := range loadFixtures(t) {
		t.Run(name, func(t *testing.T) {
			keys := f.keyring(t)
			d := NewDecrypter(f.Codec, keys)
			for i, fr := range f.Frames {
				got, err := d.Decrypt(nil, fr.Encrypted)
				if err != nil {
					t.Fatalf("frame %d: %v", i, err)
				}
				if fr.Plain != nil && !bytes.Equal(received(f.Codec, got), received(f.Codec, fr.Plain)) {
					t.Fatalf("frame %d opens to something else", i)
				}
				checkLooks(t, f.Codec, got)
				if _, err := d.Decrypt(nil, fr.Encrypted); !errors.Is(err, ErrReplay) {
					t.Fatalf("frame %d again: %v", i, err)
				}
			}
			if len(f.Packets) == 0 {
				return
			}
			frames, stats := f.assemble(t)
			if stats.SIF != f.SIF || stats.Lost != f.Lost || stats.UnknownSIF != 0 {
				t.Errorf("%d injected, %d of them unknown, %d lost; the fixture says %d, 0, %d",
					stats.SIF, stats.UnknownSIF, stats.Lost, f.SIF, f.Lost)
			}
			if len(f.Frames) > 0 && len(frames) != len(f.Frames) {
				t.Fatalf("packets make %d frames, want %d", len(frames), len(f.Frames))
			}
			if len(frames) == 0 {
				t.Fatal("packets make no frame")
			}
			d = NewDecrypter(f.Codec, keys)
			for i, u := range frames {
				if len(f.Frames) > 0 && (!bytes.Equal(u.Data, f.Frames[i].Encrypted) || u.Key != f.Frames[i].Key) {
					t.Fatalf("frame %d is not the one in the fixture", i)
				}
				got, err := d.Decrypt(nil, StripTrailer(u.Data))
				if err != nil {
					t.Fatalf("frame %d: %v", i, err)
				}
				checkLooks(t, f.Codec, got)
			}
		})
	}
}

// checkLooks checks what can be told of a plain frame without decoding it.
func checkLooks(t *testing.T, c media.Codec, frame []byte) {
	t.Helper()
	if len(frame) == 0 {
		t.Fatal("empty frame")
	}
	if c == media.VP8 && vp8Key(frame) && (len(frame) < 10 || !bytes.Equal(frame[3:6], []byte{0x9d, 0x01, 0x2a})) {
		t.Fatalf("VP8 key frame without start code: % x", frame[:min(10, len(frame))])
	}
}
