package roomkeys

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/keys/member"
)

// With -update, the committed corpora are written anew.
func TestCorpora(t *testing.T) {
	for name, kind := range map[string]string{"FuzzSession": typeSession, "FuzzKey": typeKey, "FuzzHere": typeHere, "FuzzWant": typeWant, "FuzzBye": typeBye} {
		dir := filepath.Join("testdata", "fuzz", name)
		id := identity(t)
		for n := range uint64(4) {
			m := random(rand.New(rand.NewPCG(n, 5)), kind)
			m.room, m.from, m.to = "weekly", "ada", []string{"", "ben"}[n%2]
			b, err := m.sign(id.Signer(), nil)
			if err != nil {
				t.Fatal(err)
			}
			rest := strings.TrimPrefix(string(b), kind+"\n")
			if n == 3 { // one that is cut
				rest = rest[:len(rest)*2/3]
			}
			file := filepath.Join(dir, fmt.Sprint(n))
			if *update {
				if err := os.MkdirAll(dir, 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, fmt.Appendf(nil, "go test fuzz v1\n[]byte(%q)\n", rest), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := os.Stat(file); err != nil {
				t.Error(err)
			}
		}
	}
}

// FuzzBox gives a member keys that another signed, with a box and an enc of any bytes.
// None opens, none does anything, and the true one opens afterwards.
func FuzzBox(f *testing.F) {
	corpus(f, 3)
	giver := identity(f)
	card, err := giver.Card()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, enc, box []byte, withEnc bool, serial, chainNumber int32, index uint8, generation uint8) {
		installed := 0
		x, err := New(Config{Room: "weekly", Identity: "ben", Nonce: Nonce{2}, Card: Hash{2}, Signer: identity(t).Signer(),
			Send: func(context.Context, string, []byte) error { return nil },
			Notify: func(e Event) {
				if e.Kind == Install && e.Identity == "ada" {
					installed++
				}
			}})
		if err != nil {
			t.Fatal(err)
		}
		x.Member(member.Peer{Identity: "ada", Standing: member.Verified, Card: card, CardHash: Hash{1}, Nonce: Nonce{1}}, false)
		x.Tick() // it offers a KEM key
		p := x.peers["ada"]
		pr := x.pairFrom(p, p.offer)
		trueEnc, first, err := hybrid{}.seal(p.offer.public, pr.info())
		if err != nil {
			t.Fatal(err)
		}
		sized := func(b []byte, n int) []byte { return append(append([]byte(nil), b...), make([]byte, n)...)[:n] }
		m := &message{kind: typeKey, room: "weekly", from: "ada", to: "ben", time: time.Now().UTC().Truncate(time.Second), nonce: Nonce{1}, answers: Nonce{2},
			generation: 1 + int(generation), serial: 1 + int(serial&0x7ffffffe), chain: 1 + int(chainNumber&0x7ffffffe), index: int(index),
			why: given, enc: sized(enc, encSize), box: sized(box, boxSize)}
		if withEnc {
			m.enc = trueEnc
		}
		b, err := m.sign(giver.Signer(), nil)
		if err != nil {
			t.Fatal(err)
		}
		x.Receive("ada", b)
		if installed > 0 {
			t.Fatalf("a box of nobody installed %d keys", installed)
		}
		c := begin(1, 7)
		pc := pairChain{secret: first}
		m.generation, m.serial, m.chain, m.index, m.enc = 1, 1, c.number, c.index, trueEnc
		if b, err = m.sign(giver.Signer(), func(before string) []byte { return pc.seal(&c.secret, before) }); err != nil {
			t.Fatal(err)
		}
		if x.Receive("ada", b); installed != Ahead+1 {
			t.Fatalf("the true key installed %d", installed)
		}
		if x.Receive("ada", b); installed != Ahead+1 {
			t.Fatalf("once more, it installed %d", installed)
		}
	})
}
