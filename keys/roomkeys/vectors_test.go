package roomkeys

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hpke"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write ../testdata/roomkeys.json anew")

// vectors are what Go and browsers both calculate. Bytes are in hexadecimal.
type vectors struct {
	Pair struct {
		Room, From, To, Nonce, Answers, Own, Other string
		Generation                                 int
		Seed, Kem, Info, Enc, First                string
		Chain                                      string // in each box
		Boxes                                      []boxVector
	}
	Chain struct {
		Secret string
		Keys   []keyVector
	}
	Roster struct {
		Seats    []seatVector
		Recorder string // the lines of a meeting code
		Hash     string
		Code     string
	}
}

type boxVector struct {
	Serial    int
	Text, Box string
}

type keyVector struct {
	Key, Commit, LiveKit, LiveKit256 string
}

type seatVector struct{ Identity, Card, Nonce, Tag string }

func sum(s string) [32]byte { return sha256.Sum256([]byte(s)) }

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// calculate returns the vectors. The KEM draws at random, so enc is given, unless it
// is "".
func calculate(t *testing.T, enc string) (v vectors) {
	t.Helper()
	var seed secret
	for i := range seed {
		seed[i] = byte(i)
	}
	k, err := hpke.MLKEM768X25519().NewPrivateKey(seed[:])
	if err != nil {
		t.Fatal(err)
	}
	public := k.PublicKey().Bytes()
	p := pair{room: "weekly", from: "ada", to: "ben ü", nonce: sum("n1"), answers: sum("n2"), own: sum("c1"), other: sum("c2"), generation: 3, kem: hashOf(public)}
	if enc == "" {
		b, _, err := hybrid{}.seal(public, p.info())
		if err != nil {
			t.Fatal(err)
		}
		enc = hex.EncodeToString(b)
	}
	first, err := hybrid{}.open(unhex(t, enc), &seed, p.info())
	if err != nil {
		t.Fatal(err)
	}
	c := &chain{number: 1, index: 254, secret: sum("chain")}
	v.Pair.Room, v.Pair.From, v.Pair.To = p.room, p.from, p.to
	v.Pair.Nonce, v.Pair.Answers = hex.EncodeToString(p.nonce[:]), hex.EncodeToString(p.answers[:])
	v.Pair.Own, v.Pair.Other, v.Pair.Generation = p.own.String(), p.other.String(), p.generation
	v.Pair.Seed, v.Pair.Kem, v.Pair.Info = hex.EncodeToString(seed[:]), hex.EncodeToString(public), string(p.info())
	v.Pair.Enc, v.Pair.First, v.Pair.Chain = enc, hex.EncodeToString(first[:]), hex.EncodeToString(c.secret[:])
	boxes := pairChain{secret: first}
	for serial := 1; serial <= 3; serial++ {
		text := fmt.Sprintf("a text before box %d\n", serial)
		box := boxes.seal(&c.secret, text)
		if serial != 2 { // one is lost
			v.Pair.Boxes = append(v.Pair.Boxes, boxVector{serial, text, hex.EncodeToString(box)})
		}
	}
	v.Chain.Secret = hex.EncodeToString(c.secret[:])
	for range 3 {
		key := c.key()
		commit := commitment(key)
		one := keyVector{Key: hex.EncodeToString(key[:]), Commit: commit.String()}
		for size, out := range map[int]*string{16: &one.LiveKit, 32: &one.LiveKit256} {
			b, err := hkdf.Key(sha256.New, key[:], []byte("LKFrameEncryptionKey"), string(make([]byte, 128)), size)
			if err != nil {
				t.Fatal(err)
			}
			*out = hex.EncodeToString(b)
		}
		v.Chain.Keys = append(v.Chain.Keys, one)
		c.step()
	}
	if c.index != 1 {
		t.Errorf("three steps after index 254 is %d", c.index)
	}
	seats := []Seat{{"ben ü", sum("c2"), sum("n2")}, {"ada", sum("c1"), sum("n1")}, {"bot", sum("c3"), sum("n3")}}
	for _, s := range seats {
		tag := s.tag()
		v.Roster.Seats = append(v.Roster.Seats, seatVector{s.Identity, s.Card.String(), hex.EncodeToString(s.Nonce[:]), hex.EncodeToString(tag[:])})
	}
	hash := RosterHash(seats)
	v.Roster.Recorder = "sealtape.v1/meeting-code\nroom: d2Vla2x5\n"
	v.Roster.Hash, v.Roster.Code = hash.String(), RoomCode(seats, v.Roster.Recorder)
	return v
}

func readVectors(t *testing.T) (v vectors, b []byte) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "testdata", "roomkeys.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v, b
}

// The file that other implementations are tested with is what this one calculates.
func TestVectors(t *testing.T) {
	name := filepath.Join("..", "testdata", "roomkeys.json")
	var enc string
	var old []byte
	if !*update {
		var v vectors
		v, old = readVectors(t)
		enc = v.Pair.Enc
	}
	v := calculate(t, enc)
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	b = append(b, '\n')
	if *update {
		if err := os.WriteFile(name, b, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(b, old) {
		t.Errorf("%s differs from what is calculated:\n%s", name, b)
	}
	// These were calculated by another program, before there was this package.
	if k := v.Chain.Keys[0]; k.Key != "2520dd829b62a43e5bc1a24065ea45f9cd213035b060916143072c944dc424e0" || k.LiveKit != "b4ff06956e6a30bb23d7d6c5f819d997" {
		t.Errorf("the first key is %+v", k)
	}
}

// What Go calculates, and seals, browsers calculate and open, and the other way round.
func TestVectorsInNode(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "node", "../testdata/roomkeys.mjs")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, &stderr)
	}
	var got struct {
		Checked    int
		Enc, First string
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	v, _ := readVectors(t)
	if want := 3 + len(v.Pair.Boxes) + 3*len(v.Chain.Keys) + 2 + len(v.Roster.Seats); got.Checked != want {
		t.Errorf("%d values were checked, want %d", got.Checked, want)
	}
	private := secret(unhex(t, v.Pair.Seed))
	first, err := hybrid{}.open(unhex(t, got.Enc), &private, []byte(v.Pair.Info))
	if err != nil || hex.EncodeToString(first[:]) != got.First {
		t.Errorf("what JavaScript sealed opens as %x, want %s: %v", first, got.First, err)
	}
}
