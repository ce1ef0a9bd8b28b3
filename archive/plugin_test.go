package archive_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/plugin"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/testdata/sample"
)

const (
	testPlugin  = "sealtapetest"
	pluginBuild = "github.com/sealtape/sealtape/testdata/witness/age-plugin-" + testPlugin
)

// installPlugin puts the test's plugin in the PATH.
func installPlugin(t *testing.T) {
	t.Helper()
	t.Setenv("PATH", tools(t)+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// nobody answers a plugin's questions.
var nobody = &plugin.ClientUI{}

func pluginRecipient(t *testing.T, data string) age.Recipient {
	t.Helper()
	r, err := plugin.NewRecipient(plugin.EncodeRecipient(testPlugin, []byte(data)), nobody)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func pluginIdentity(t *testing.T, data string) age.Identity {
	t.Helper()
	i, err := plugin.NewIdentity(plugin.EncodeIdentity(testPlugin, []byte(data)), nobody)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// Keys that only a plugin can use record and read like others, each in the
// epoch file of its kind.
func TestPluginReaders(t *testing.T) {
	sample.Live(t)
	installPlugin(t)
	s, spool := newSigner(t, "recorder"), t.TempDir()
	x, pq, plain := classic(t), hybrid(t), hybrid(t)
	w := create(t, spool, archive.Config{Signer: s}, pluginRecipient(t, x.Recipient().String()),
		pluginRecipient(t, pq.Recipient().String()), plain.Recipient())
	commit(t, begin(t, w, archive.Segment, []byte("all")))
	startEpoch(t, w, pluginRecipient(t, pq.Recipient().String()))
	commit(t, begin(t, w, archive.Segment, []byte("hybrid")))
	startEpoch(t, w, pluginRecipient(t, x.Recipient().String()))
	commit(t, begin(t, w, archive.Segment, []byte("classic")))
	closeWriter(t, w)

	all := files(t, filepath.Join(spool, w.ID()))
	wantStanzas(t, all["epochs/000001.age"], "mlkem768x25519", 8)
	wantStanzas(t, all["epochs/000002.age"], "mlkem768x25519", 8)
	for _, name := range []string{"epochs/000001-classic.age", "epochs/000003-classic.age"} {
		types := stanzas(t, all[name])
		if n := len(types); n != 8 || !slices.Contains(types, testPlugin) || slices.Contains(types, "mlkem768x25519") {
			t.Errorf("%s has %d stanzas %q", name, n, types)
		}
	}

	store := openDir(t, spool)
	for name, test := range map[string]struct {
		key  age.Identity
		want []string // by segment, "" for none
	}{
		"classic":               {pluginIdentity(t, x.String()), []string{"all", "", "classic"}},
		"hybrid":                {pluginIdentity(t, pq.String()), []string{"all", "hybrid", ""}},
		"another":               {pluginIdentity(t, hybrid(t).String()), []string{"", "", ""}},
		"without it, classic":   {x, []string{"", "", ""}}, // the stanza is the plugin's
		"without it, hybrid":    {pq, []string{"all", "hybrid", ""}},
		"with no plugin at all": {plain, []string{"all", "", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := archive.Open(t.Context(), store, w.ID(), archive.Options{Verifiers: s.verifiers, Identities: []age.Identity{test.key}})
			if err != nil {
				t.Fatal(err)
			}
			want := []archive.EpochInfo{{Number: 1, Hybrid: true, Classic: true}, {Number: 2, Hybrid: true}, {Number: 3, Classic: true}}
			if got := r.Epochs(); !slices.Equal(got, want) || r.PostQuantum() {
				t.Errorf("epochs %+v, want %+v", got, want)
			}
			for n, text := range test.want {
				got, err := r.ReadSegment(t.Context(), n)
				if string(got) != text || text == "" && !errors.Is(err, archive.ErrNoKey) || text != "" && err != nil {
					t.Errorf("segment %d: %q, %v, want %q", n, got, err, text)
				}
			}
		})
	}
}

// A plugin that fails stops the epoch, before anything is written; so does one
// that wants a person, for there may be none where a recorder runs.
func TestBadPlugins(t *testing.T) {
	sample.Live(t)
	installPlugin(t)
	pq := hybrid(t)
	missing, err := plugin.NewRecipient(plugin.EncodeRecipient("sealtapetestmissing", []byte("x")), nobody)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		reader age.Recipient
		why    string
	}{
		"missing":           {missing, "sealtapetestmissing"},
		"refuses":           {pluginRecipient(t, "no recipient"), "want one recipient"},
		"asks":              {pluginRecipient(t, "ask "+pq.Recipient().String()), ""},
		"claims":            {pluginRecipient(t, "lone "+pq.Recipient().String()), "stanza of type"},
		"one of many fails": {pluginRecipient(t, "ask "+classic(t).Recipient().String()), ""},
	} {
		t.Run(name, func(t *testing.T) {
			spool := t.TempDir()
			w := create(t, spool, archive.Config{Signer: newSigner(t, "recorder")}, pq.Recipient())
			before := files(t, spool)
			if _, err := w.StartEpoch([]age.Recipient{pq.Recipient(), test.reader}); err == nil || !strings.Contains(err.Error(), test.why) {
				t.Errorf("StartEpoch: %v, want something with %q", err, test.why)
			}
			if after := files(t, spool); len(after) != len(before) {
				t.Errorf("left %d files instead of %d", len(after), len(before))
			}
			if _, err := w.Create(archive.Segment); !errors.Is(err, archive.ErrNoEpoch) {
				t.Errorf("Create after the failure: %v", err)
			}
			startEpoch(t, w, pq.Recipient())
			closeWriter(t, w)
		})
	}
}

// An identity whose plugin fails is not a key that does not fit: the reader is
// told so, and may try again.
func TestPluginIdentityFails(t *testing.T) {
	sample.Live(t)
	installPlugin(t)
	s, spool, pq := newSigner(t, "recorder"), t.TempDir(), hybrid(t)
	w := create(t, spool, archive.Config{Signer: s}, pq.Recipient())
	commit(t, begin(t, w, archive.Segment, []byte("media")))
	closeWriter(t, w)

	answers := 0
	somebody := &plugin.ClientUI{RequestValue: func(string, string, bool) (string, error) {
		if answers++; answers == 1 {
			return "", errors.New("not now")
		}
		return "yes", nil
	}}
	key, err := plugin.NewIdentity(plugin.EncodeIdentity(testPlugin, []byte("ask "+pq.String())), somebody)
	if err != nil {
		t.Fatal(err)
	}
	r, err := archive.Open(t.Context(), openDir(t, spool), w.ID(), archive.Options{Verifiers: s.verifiers, Identities: []age.Identity{key}})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := r.ReadSegment(t.Context(), 0); err == nil || errors.Is(err, archive.ErrNoKey) || got != nil {
		t.Errorf("without an answer: %q, %v", got, err)
	}
	if got, err := r.ReadSegment(t.Context(), 0); err != nil || string(got) != "media" {
		t.Errorf("with an answer: %q, %v", got, err)
	}
}
