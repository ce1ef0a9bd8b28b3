package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/playback/site"
	"github.com/sealtape/sealtape/playback/web"
	"github.com/sealtape/sealtape/testdata/player"
	"github.com/sealtape/sealtape/testdata/sample"
)

// A question is a script for the program, and what it is asked in.
type question struct {
	script string
	// settings are those of the page. Among them, "change" is what the store does to
	// objects from the beginning, before the script can.
	settings map[string]any
	share    *string // in place of the recording's
	found    any     // takes what the script returns
}

// run runs a script beside the program.
func (r recorded) run(t *testing.T, script string, settings map[string]any, found any) {
	t.Helper()
	r.ask(t, question{script: script, settings: settings, found: found})
}

// ask runs scripts beside the program, one after another in one Node: see testdata/run.mjs.
func (r recorded) ask(t *testing.T, questions ...question) {
	t.Helper()
	worker, err := workerText()
	if err != nil {
		t.Fatal(err)
	}
	var runs []map[string]any
	for _, q := range questions {
		all := map[string]any{"recorders": []any{map[string]any{"key": r.vkey, "who": "Owner"}}, "recording": r.id}
		maps.Copy(all, q.settings)
		change := all["change"]
		delete(all, "change")
		runs = append(runs, map[string]any{"script": q.script, "settings": all, "change": change,
			"secrets": r.secrets, "share": cmp.Or(q.share, r.share)})
	}
	dir := t.TempDir()
	program, config := filepath.Join(dir, "sealtape.wasm"), filepath.Join(dir, "config.json")
	text, err := json.Marshal(map[string]any{"folder": r.folder, "program": program, "worker": worker, "runs": runs})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(program, compiled(t), 0o600), os.WriteFile(config, text, 0o600)); err != nil {
		t.Fatal(err)
	}
	// The optimizing compiler takes longer than what it makes faster does here.
	cmd := exec.CommandContext(t.Context(), "node", "--liftoff-only", "testdata/run.mjs", config)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, complaint.String())
	}
	var found []json.RawMessage
	if err := json.Unmarshal(out, &found); err != nil || len(found) != len(questions) {
		t.Fatalf("%s: %v", out, err)
	}
	for i, q := range questions {
		if err := json.Unmarshal(found[i], q.found); err != nil {
			t.Fatalf("%s: %v", found[i], err)
		}
	}
}

// workerText is the worker's script, as the page has it.
var workerText = sync.OnceValues(func() (string, error) {
	code, err := program()
	if err != nil {
		return "", err
	}
	built, err := site.Build(site.Config{Page: web.Page(), Program: code, Glue: site.Glue(), Version: "test"})
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(built.Files, func(f site.File) bool { return strings.HasPrefix(f.Name, "worker-") })
	return string(built.Files[i].Data), nil
})

// TestAnswers: the program answers what the page asks, by messages.
func TestAnswers(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	r := record(t, flashes)
	var got struct {
		State, Signers string
		Tracks         int
		Parts          []struct {
			Track string
			From  float64
			Bytes int
		}
		Asked, Trouble []string
		Saved, Size    int
		File           string
		Memory         int
	}
	r.run(t, `
		const d = await source.recording(id), uids = d.tracks.map((t) => t.uid);
		const parts = await segment(0, uids);
		const before = [...asked];
		let saved = 0, file;
		await source.save(id, { format: "mkv", begin: 1, end: 9 }, {
			begin: (f) => file = f,
			write: async (bytes) => { saved += bytes.length; },
		});
		const stopped = new AbortController();
		setChange(async (name, bytes, signal) => {
			if (!name.endsWith("000007.age")) return bytes;
			setTimeout(() => stopped.abort(), 1);
			await new Promise((ok, no) => signal.addEventListener("abort", () => no({ kind: "stopped" })));
		});
		return {
			state: d.state, signers: d.signers.join(), tracks: uids.length, asked: before, memory: await source.memory(),
			parts: parts.map((p) => ({ track: p.track, from: p.from, bytes: p.init.length + p.media.length })),
			saved, size: file.size, file: file.name,
			trouble: [
				await trouble(segment(99, uids)), await trouble(source.recording("01JD3Q8ZC5MEETING")),
				await trouble(source.save(id, { format: "exe" }, { begin() {}, async write() {} })),
				await trouble(segment(7, uids, stopped.signal)),
				await trouble(source.recordings()),
			],
		};`, nil, &got)
	if got.State != "closed" || got.Signers != "Owner" || got.Tracks != 3 || len(got.Parts) != 3 {
		t.Errorf("%+v", got)
	}
	for _, p := range got.Parts {
		if p.From != 0 || p.Bytes < 100 {
			t.Errorf("%+v", p)
		}
	}
	// What is about to play, and nothing else.
	if slices.ContainsFunc(got.Asked, func(name string) bool { return strings.HasSuffix(name, "000005.age") }) {
		t.Errorf("asked for %q", got.Asked)
	}
	if got.Saved < 10_000 || got.Saved != got.Size || !strings.HasSuffix(got.File, ".mkv") {
		t.Errorf("saved %d bytes of %d as %q", got.Saved, got.Size, got.File)
	}
	if want := []string{"gone", "gone", "later store", "AbortError: This operation was aborted", "later store"}; !slices.Equal(got.Trouble, want) {
		t.Errorf("trouble %q, want %q", got.Trouble, want)
	}
	if got.Memory < 1<<20 || got.Memory > 100<<20 {
		t.Errorf("%d bytes of memory", got.Memory)
	}
}

// TestTampered: what is not what was recorded is told by its kind, whatever it is, and
// none of it is given.
func TestTampered(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	r := record(t, flashes)
	cases := map[string]struct{ change, settings, want string }{
		"head of another":    {change: `name.endsWith("/head") ? Buffer.from(String(bytes).replace("closed", "open")) : bytes`, want: "failed"},
		"log":                {change: `name.endsWith("/log/0000") ? bytes.subarray(1) : bytes`, want: "failed"},
		"no head":            {change: `name.endsWith("/head") ? null : bytes`, want: "gone"},
		"another recorder's": {settings: "recorders", want: "foreign"},
		"older than told":    {settings: "told", want: "rolled-back"},
		"away":               {change: `{ if (name.endsWith("/head")) throw { kind: "away" }; return bytes; }`, want: "later store"},
		"expired":            {change: `{ throw { kind: "expired" }; }`, want: "later expired"},
		"not for this page":  {change: `{ throw { kind: "refused", why: "cors" }; }`, want: "later cors"},
		"a wrong clock":      {change: `{ throw { kind: "refused", why: "clock" }; }`, want: "later clock"},
		"denied":             {change: `{ throw { kind: "refused" }; }`, want: "later refused"},
		"no epoch":           {change: `name.includes("/epochs/") ? null : bytes`, want: "failed"},
	}
	said := make(map[string]*string)
	var questions []question
	for name, c := range cases {
		settings := map[string]any{}
		switch c.settings {
		case "recorders":
			settings["recorders"] = []any{}
		case "told":
			settings["told"] = "sealtape.v1/" + r.id + "\n900000\n" + strings.Repeat("A", 43) + "=\nstate: open\n"
		}
		if c.change != "" {
			settings["change"] = "(name, bytes) => " + c.change
		}
		said[name] = new(string)
		questions = append(questions, question{script: "return trouble(source.recording(id));", settings: settings, found: said[name]})
	}
	r.ask(t, questions...)
	for name, c := range cases {
		if *said[name] != c.want {
			t.Errorf("%s: it says %q, want %q", name, *said[name], c.want)
		}
	}
}

// TestManyReaders: an epoch of 512 readers opens, and the keys are asked once for each.
func TestManyReaders(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	r := record(t, func(readers player.Readers) (player.Meeting, error) {
		m, err := player.Flashes(readers, 1, 0, 12*time.Second, false)
		for range 511 {
			id, err := age.GenerateHybridIdentity()
			if err != nil {
				return m, err
			}
			m.Epochs[0].Readers = append(m.Epochs[0].Readers, id.Recipient())
		}
		m.Epochs[0].Readers = slices.DeleteFunc(m.Epochs[0].Readers, func(r age.Recipient) bool { return r == readers.Some[0] })
		return m, err
	})
	var got struct {
		State  string
		Epochs []struct{ Epoch, Files, Bytes int }
		Parts  int
	}
	r.run(t, `const d = await source.recording(id);
		return { state: d.state, epochs, parts: (await segment(1, d.tracks.map((t) => t.uid))).length };`, nil, &got)
	if got.State != "closed" || got.Parts != 1 || len(got.Epochs) != 1 || got.Epochs[0].Epoch != 1 || got.Epochs[0].Files != 1 || got.Epochs[0].Bytes < 700_000 {
		t.Errorf("%+v", got)
	}
}

// TestFaults: a program that fails is begun anew; a question over which it always does is
// given up, and others are answered.
func TestFaults(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	r := record(t, flashes)
	var got []string
	r.run(t, `// The generation of the worker; behind it is what the program counts.
		const described = async () => (await source.recording(id)).version.split(" ")[0], first = await described();
		const { tracks } = await source.recording(id), uids = tracks.map((t) => t.uid);
		setFatal(({ what, detail }) => what === "segment" && detail.number === 3);
		const out = [first, String((await segment(2, uids)).length)];
		for (let i = 0; i < 3; i++) out.push(await trouble(segment(3, uids)));
		out.push(await described(), String((await segment(4, uids)).length));
		return out;`, nil, &got)
	if want := []string{"1", "3", "later ended", "later ended", "failed", "3", "3"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestGoesOn: a recording that goes on is followed. A state that comes before one that was
// seen is refused, also by a program that begins anew.
func TestGoesOn(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	people, err := player.NewPeople(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	m, err := flashes(people.Readers)
	if err != nil {
		t.Fatal(err)
	}
	folder, before := t.TempDir(), filepath.Join(t.TempDir(), "before")
	tape, err := player.NewTape(folder, people.Signer.Signer(), m)
	if err != nil {
		t.Fatal(err)
	}
	if err := tape.Until(20 * time.Second); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(before, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	if err := tape.Until(m.Length); err != nil {
		t.Fatal(err)
	}
	if err := tape.Close(); err != nil {
		t.Fatal(err)
	}
	card, err := people.Signer.Card()
	if err != nil {
		t.Fatal(err)
	}
	r := open(t, folder, tape.ID(), card.Key, people.Signer.AgeIdentities())
	after := r.folder
	r.folder = before
	var got []string
	r.run(t, `const say = (d) => d.state + " " + d.segments.length + " from " + d.from;
		const d = await source.recording(id), uids = d.tracks.map((t) => t.uid);
		setFolder(`+"`"+after+"`"+`);
		const known = { version: d.version, from: 3, events: d.events.length };
		let later;
		do { // it may be another one by transcripts first
			later = await source.later(id, known, new AbortController().signal);
			known.version = later.version;
		} while (later.state === "open");
		const out = [say(d), say(later), String((await segment(7, uids)).length)];
		setFolder(`+"`"+before+"`"+`);
		fail();
		out.push(await trouble(source.recording(id)), await trouble(source.recording(id)));
		return out;`, nil, &got)
	if want := []string{"open 4 from 0", "closed 5 from 3", "3", "later ended", "rolled-back"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestShared: who was granted a recording opens it by the share that a link names, where
// the store lists none, and nobody else does.
func TestShared(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	people, err := player.NewPeople(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	m, err := flashes(player.Readers{All: people.Readers.All})
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	id, err := player.Write(folder, people.Signer.Signer(), m)
	if err != nil {
		t.Fatal(err)
	}
	card, err := people.Signer.Card()
	if err != nil {
		t.Fatal(err)
	}
	name, text := shared(t, folder, id, people)
	r := open(t, folder, id, card.Key, people.Signer.AgeIdentities())
	r.secrets = map[int]string{} // by no epoch's file
	const script = `const found = await trouble(source.recording(id));
		if (found !== "no trouble") return found;
		const d = await source.recording(id);
		return d.epochs.map((e) => e.opens) + " " + (await segment(1, d.tracks.map((t) => t.uid))).length;`
	cases := []struct {
		share string
		text  *string
		want  string
	}{
		{name, &text, "true 3"},
		{name, nil, "locked"},
		{"", &text, "locked"},
	}
	got := make([]string, len(cases))
	var questions []question
	for i, c := range cases {
		questions = append(questions, question{script: script, settings: map[string]any{"share": c.share}, share: c.text, found: &got[i]})
	}
	r.ask(t, questions...)
	for i, c := range cases {
		if got[i] != c.want {
			t.Errorf("%.4q: %q, want %q", c.share, got[i], c.want)
		}
	}
}

// shared grants a recording to the guest, and returns the share's name and what is sealed
// in it.
func shared(t *testing.T, folder, id string, people *player.People) (name, text string) {
	t.Helper()
	store, err := dir.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	rec, err := archive.Open(t.Context(), store, id, archive.Options{
		Verifiers: note.VerifierList(people.Signer.Verifier()), Identities: people.Signer.AgeIdentities()})
	if err != nil {
		t.Fatal(err)
	}
	card, err := people.Signer.Card()
	if err != nil {
		t.Fatal(err)
	}
	g, err := rec.Share(t.Context(), archive.ShareConfig{Signer: people.Signer.Signer(), To: card.Key, Recipients: people.Readers.Some})
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := os.Open(filepath.Join(folder, id, filepath.FromSlash(g.Name)))
	if err != nil {
		t.Fatal(err)
	}
	defer sealed.Close()
	plain, err := age.Decrypt(sealed, people.GuestKeys...)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(plain)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(strings.TrimPrefix(g.Name, "shares/"), ".age"), string(b)
}
