package keys_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/testdata/sample"
)

const adaMatrix = "@ada:example.org ed25519:/e5DDUC9V97qwYbNl5ADPQ8G+QmogG585ucXq3x9UCk"

func account(t *testing.T, s string) keys.MatrixAccount {
	t.Helper()
	m, err := keys.ParseMatrixAccount(s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// inMatrix returns a card of id that names an account, and is younger than others by so
// many seconds.
func inMatrix(t *testing.T, id *keys.Identity, s string, younger int) keys.Card {
	t.Helper()
	c, err := id.Forge(func(c *keys.Card) {
		c.Matrix, c.Created = account(t, s), c.Created.Add(time.Duration(younger)*time.Second)
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// waitASecond waits until a newer card than c can be made.
func waitASecond(t *testing.T, c keys.Card) {
	t.Helper()
	for !time.Now().Truncate(time.Second).After(c.Created) {
		time.Sleep(20 * time.Millisecond)
	}
}

type matrixVectors struct{ Accepted, Refused []string }

func readMatrix(t *testing.T) (v matrixVectors) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "matrix.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &v); err != nil || len(v.Accepted) < 4 || len(v.Refused) < 20 {
		t.Fatalf("%v, or there are fewer than there were", err)
	}
	return v
}

func TestMatrixAccounts(t *testing.T) {
	v := readMatrix(t)
	for _, s := range v.Accepted {
		if m, err := keys.ParseMatrixAccount(s); err != nil || m.String() != s {
			t.Errorf("%q: %v, %v", s, m, err)
		}
	}
	for _, s := range v.Refused {
		if m, err := keys.ParseMatrixAccount(s); err == nil {
			t.Errorf("%q is taken as %+v", s, m)
		}
	}
	if s := (keys.MatrixAccount{}).String(); s != "" {
		t.Errorf("no account is written %q", s)
	}
}

// A card that names an account is a card like others, in Go and in browsers.
func TestMatrixCard(t *testing.T) {
	sample.Live(t)
	b, err := os.ReadFile(filepath.Join("testdata", "ada-matrix.card"))
	if err != nil {
		t.Fatal(err)
	}
	golden, err := keys.ParseCard(b)
	if err != nil || golden.Matrix.String() != adaMatrix || golden.Device != "laptop" || golden.Expires.IsZero() {
		t.Fatalf("%+v, %v", golden, err)
	}
	_, _, bare := generate(t, "Ada")
	v := readMatrix(t)
	all := slices.Concat(v.Accepted, v.Refused)
	in, err := json.Marshal(map[string]any{"accounts": all, "cards": []string{string(b), string(bare)}})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "testdata/matrix.mjs")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node, with which the tests run: %v", err)
	}
	var js struct{ Accounts, Cards []string }
	if err := json.Unmarshal(out, &js); err != nil || len(js.Accounts) != len(all) {
		t.Fatalf("%.100q: %v", out, err)
	}
	for i, s := range all {
		want := s
		if i >= len(v.Accepted) {
			want = ""
		}
		if js.Accounts[i] != want {
			t.Errorf("%q is %q in JavaScript", s, js.Accounts[i])
		}
	}
	if !slices.Equal(js.Cards, []string{adaMatrix, ""}) {
		t.Errorf("the cards are of %q in JavaScript", js.Cards)
	}
}

func TestParseMatrixCardRefuses(t *testing.T) {
	id, _, _ := generate(t, "Ada")
	card := inMatrix(t, id, adaMatrix, 0)
	good, err := card.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	text := string(good[:bytes.Index(good, []byte("\n\n"))+1])
	line := "matrix: " + adaMatrix + "\n"
	without := strings.Replace(text, line, "", 1)
	if without == text {
		t.Fatal("the card has no such line")
	}
	for name, text := range map[string]string{
		"twice":            strings.Replace(text, line, line+line, 1),
		"last":             without + line,
		"before the key":   strings.Replace(without, "key: ", line+"key: ", 1),
		"empty":            strings.Replace(text, line, "matrix: \n", 1),
		"a user alone":     strings.Replace(text, line, "matrix: @ada:example.org\n", 1),
		"another's server": strings.Replace(text, "example.org", "exam\u202eple.org", 1),
	} {
		b, err := note.Sign(&note.Note{Text: text}, id.Signer())
		if err != nil {
			t.Fatal(err)
		}
		if c, err := keys.ParseCard(b); !errors.Is(err, keys.ErrBadCard) {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	changed := bytes.Replace(good, []byte("@ada:"), []byte("@eve:"), 1)
	if _, err := keys.ParseCard(changed); !errors.Is(err, keys.ErrCardSignature) {
		t.Errorf("another's account under Ada's signature: %v", err)
	}
}

// The account stays on the cards that follow, and goes when its owner says so.
func TestMatrixStays(t *testing.T) {
	t.Parallel()
	id, _, _ := generate(t, "Ada")
	waitASecond(t, mustCard(t, id))
	id, err := id.WithMatrix(account(t, adaMatrix))
	if err != nil {
		t.Fatal(err)
	}
	next, err := id.Successor(time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if got := mustCard(t, next).Matrix.String(); got != adaMatrix {
		t.Errorf("the successor's card names %q", got)
	}
	waitASecond(t, mustCard(t, id))
	renewed, err := id.Renew(time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	card := mustCard(t, renewed)
	if card.Matrix.String() != adaMatrix {
		t.Errorf("the renewed card names %q", card.Matrix)
	}
	waitASecond(t, card)
	gone, err := renewed.WithMatrix(keys.MatrixAccount{})
	if err != nil {
		t.Fatal(err)
	}
	if c := mustCard(t, gone); c.Matrix != (keys.MatrixAccount{}) || !c.Expires.Equal(card.Expires) || c.Key != card.Key {
		t.Errorf("%+v", c)
	}
	if _, err := gone.WithMatrix(keys.MatrixAccount{User: "@ada:example.org\nrecipient: x", Master: account(t, adaMatrix).Master}); err == nil {
		t.Error("a card was made with a user that has two lines")
	}
}

// Whose an account is, pinned cards say, and only if they agree.
func TestMatrixPerson(t *testing.T) {
	evil := strings.Replace(adaMatrix, "ed25519:/e5D", "ed25519:zzzz", 1)
	home := openHome(t, t.TempDir())
	ada, _, _ := generate(t, "Ada")
	laptop, _, _ := generate(t, "Ada")
	eve, _, _ := generate(t, "Eve")
	find := func() (string, []keys.Card, error) {
		t.Helper()
		return keys.MatrixPerson(allPins(t, home), "@ada:example.org", time.Now())
	}
	if _, _, err := find(); !errors.Is(err, keys.ErrNoMember) {
		t.Errorf("nobody is pinned: %v", err)
	}
	if !keys.NewMatrix(nil, inMatrix(t, ada, adaMatrix, 0)) {
		t.Error("an account that no card names is not new")
	}
	add(t, home, inMatrix(t, ada, adaMatrix, 0))
	master, cards, err := find()
	if err != nil || master != account(t, adaMatrix).Master || len(cards) != 1 || cards[0].Name != "Ada" {
		t.Errorf("%s, %+v, %v", master, cards, err)
	}
	if keys.NewMatrix(allPins(t, home), inMatrix(t, laptop, adaMatrix, 0)) {
		t.Error("the account of Ada's other device is new")
	}
	if !keys.NewMatrix(allPins(t, home), inMatrix(t, eve, adaMatrix, 0)) {
		t.Error("that Eve is Ada's account is not new")
	}
	second, err := ada.Approve(inMatrix(t, laptop, adaMatrix, 1))
	if err != nil {
		t.Fatal(err)
	}
	add(t, home, second)
	if _, cards, err := find(); err != nil || len(cards) != 2 || cards[0].Key != second.Key {
		t.Errorf("with two devices: %+v, %v", cards, err)
	}
	// The account gets other cross-signing keys: until both cards say so, nobody knows.
	add(t, home, inMatrix(t, laptop, evil, 2))
	if _, _, err := find(); !errors.Is(err, keys.ErrMatrixTaken) {
		t.Errorf("two master keys: %v", err)
	}
	add(t, home, inMatrix(t, ada, evil, 1))
	if master, _, err := find(); err != nil || master != account(t, evil).Master {
		t.Errorf("after both changed: %s, %v", master, err)
	}
	add(t, home, inMatrix(t, eve, evil, 0))
	if _, _, err := find(); !errors.Is(err, keys.ErrMatrixTaken) {
		t.Errorf("two people: %v", err)
	}
	// A card that does not count says nothing.
	revoke(t, home, eve, mustCard(t, eve))
	if _, _, err := find(); err != nil {
		t.Errorf("after Eve's card was revoked: %v", err)
	}
}

func allPins(t *testing.T, h *keys.Home) []keys.Pin {
	t.Helper()
	pins, err := h.Pins()
	if err != nil {
		t.Fatal(err)
	}
	return pins
}

// A home keeps the card with the account.
func TestSetMatrix(t *testing.T) {
	t.Parallel()
	home := openHome(t, t.TempDir())
	id, err := home.Init("Ada", nil)
	if err != nil {
		t.Fatal(err)
	}
	waitASecond(t, mustCard(t, id))
	if _, err := home.SetMatrix(id, account(t, adaMatrix)); err != nil {
		t.Fatal(err)
	}
	if c, err := home.OwnCard(); err != nil || c.Matrix.String() != adaMatrix {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := home.Load(nil); err != nil {
		t.Error(err)
	}
}
