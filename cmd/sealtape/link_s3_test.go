//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sealtape/sealtape/archive/link"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/testdata/player"
)

// A linkLab has a recording in a bucket that Ada made and opens, and Bob, who does not.
type linkLab struct {
	*lab
	ada, bob  string // homes
	store, id string
	bucket    string
}

func newLinkLab(t *testing.T) *linkLab {
	t.Helper()
	l := &linkLab{lab: newDesk(t)}
	var adaCard, bobCard keys.Card
	l.ada, adaCard = l.recorder("Ada")
	l.bob, bobCard = l.person("Bob", adaCard)
	l.must(l.ada, "keys", "add", writeCard(t, bobCard), "--yes")
	folder := filepath.Join(l.dir, "store")
	out, err := l.program("make-recording", l.ada, nil, folder).Output()
	if err != nil {
		t.Fatal(err)
	}
	l.id = strings.TrimSpace(string(out))
	l.store = l.minIO()
	l.bucket, _, _ = strings.Cut(strings.TrimPrefix(l.store, "s3://"), "/")
	l.must(l.ada, "copy", l.id, "--to", l.store, "--store", folder)
	return l
}

// link makes a link and returns it, with what is said of it.
func (l *linkLab) link(args ...string) (made, said string) {
	l.t.Helper()
	out, said, code := l.run(l.ada, nil, append([]string{"link", l.id, "--store", l.store}, args...)...)
	if code != 0 {
		l.t.Fatalf("sealtape link %s: exit code %d\n%s%s", args, code, out, said)
	}
	made, rest, _ := strings.Cut(out, "\n")
	if rest != "" {
		l.t.Errorf("standard output has more than a link: %q", rest)
	}
	return made, said
}

// asStranger runs sealtape without keys of the store.
func (l *linkLab) asStranger(home, stdin string, args ...string) (stdout, stderr string, code int) {
	l.t.Helper()
	cmd := l.command(home, []string{"AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=", "AWS_ENDPOINT_URL_S3=", "AWS_REGION="}, args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	if err := cmd.Run(); cmd.ProcessState == nil {
		l.t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// A fetched is what fetchlink.mjs says.
type fetched struct {
	Head, Failed, Listing string
	Objects               int
	Differ, Listed        []string
	Tried                 map[string]string
}

// fetch reads the recording as the page does.
func (l *linkLab) fetch(made string, tried ...string) (f fetched) {
	l.t.Helper()
	cmd := exec.CommandContext(l.ctx, "node", append([]string{"--no-warnings", "--import", "../../playback/web/pagetest/modules.mjs", "testdata/fetchlink.mjs"}, tried...)...)
	cmd.Stdin = strings.NewReader(made + "\n")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &f)
	}
	if err != nil {
		l.t.Fatalf("%v\n%s%s", err, out, errs.String())
	}
	return f
}

// policyIn returns the policy that a command said to set.
func policyIn(t *testing.T, said string) string {
	t.Helper()
	m := regexp.MustCompile(`--policy '(.*)'\n`).FindStringSubmatch(said)
	if m == nil {
		t.Fatalf("no policy is said:\n%s", said)
	}
	return m[1]
}

// TestLink: each kind of link lets the page and the program read one recording from a real
// server, and nothing else; Bob, who is no reader, opens it by the share that it names.
func TestLink(t *testing.T) {
	inRealTime(t)
	l := newLinkLab(t)
	missing := "segments/000099.age"
	minutes := filepath.Join(l.dir, "minutes.md")
	if err := os.WriteFile(minutes, []byte("We met.\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l.must(l.ada, "attach", l.id, minutes, "--store", l.store)

	// Nobody may read yet.
	_, said, code := l.run(l.ada, nil, "link", l.id, "--store", l.store, "--by", "public")
	if code != 1 || !strings.Contains(said, "strangers do not get the recording yet") {
		t.Fatalf("before the policy: exit code %d\n%s", code, said)
	}
	policy := policyIn(t, said)

	var public string
	for _, tt := range []struct {
		by      string
		args    []string
		missing string // what the page is told of an object that is not there
		lists   bool
		secret  string // what is said
	}{
		{by: "session", args: []string{"--by", "session", "--expires", "15m"}, missing: "absent", lists: true, secret: "it holds credentials"},
		{by: "presigned", args: []string{"--expires", "1h"}, missing: "refused", secret: "whoever has it can fetch"},
		{by: "public", missing: "absent", secret: "Anybody who knows the ID"},
	} {
		if tt.by == "public" {
			if err := minIO.get(t).Policy(l.ctx, l.bucket, policy); err != nil {
				t.Fatal(err)
			}
		}
		made, said := l.link(append(tt.args, "--to", "Bob", "--page", "https://meet.example.org/tapes/", "--at", "0:01")...)
		page, invitation, _ := link.Cut(made)
		i, err := link.Parse(invitation)
		if err != nil || page != "https://meet.example.org/tapes/" || i.Recording != l.id || i.From.Seconds() != 1 || i.Share == "" {
			t.Fatalf("%s: %+v, %v", tt.by, i, err)
		}
		if i.Secret() != (tt.by != "public") || !strings.Contains(said, tt.secret) || i.Secret() == i.Expires.IsZero() {
			t.Errorf("%s: secret %t, until %v\n%s", tt.by, i.Secret(), i.Expires, said)
		}
		f := l.fetch(made, missing)
		if f.Failed != "" || f.Objects != int(i.Size) || len(f.Differ) > 0 || f.Tried["share"] != "" || f.Tried[missing] != tt.missing {
			t.Errorf("%s: the page reads %+v", tt.by, f)
		}
		if tt.by == "session" && (f.Tried["past"] != "expired" || f.Tried["future"] != "refused clock" || f.Tried["other"] != "403" || f.Tried["otherList"] != "403") {
			t.Errorf("%s: at other times and elsewhere: %v", tt.by, f.Tried)
		}
		if tt.lists != slices.Contains(f.Listed, l.id+"/head") || tt.lists == (f.Listing == "notListed") {
			t.Errorf("%s: the page lists %q, %s", tt.by, f.Listed, f.Listing)
		}
		if tt.lists {
			// What was attached is in no log, so that only a list tells of it.
			at := slices.IndexFunc(f.Listed, func(name string) bool { return strings.HasPrefix(name, l.id+"/attachments/") })
			if at < 0 {
				t.Fatalf("%s: nothing is attached: %q", tt.by, f.Listed)
			}
			name := strings.TrimPrefix(f.Listed[at], l.id+"/")
			if f := l.fetch(made, name); f.Tried[name] != "" {
				t.Errorf("%s: the page does not read what is attached: %s", tt.by, f.Tried[name])
			}
		}
		// Bob's program, without keys of the store.
		commands := [][]string{{"verify", "--deep", "-"}}
		if tt.by == "presigned" {
			commands = append(commands, []string{"info", made}, []string{"decrypt", made, "-o", filepath.Join(l.dir, "out")}, []string{"export", "-", "-o", filepath.Join(l.dir, "out.mkv")})
		}
		for _, args := range commands {
			out, errs, code := l.asStranger(l.bob, made, args...)
			if code != 0 {
				t.Errorf("%s: sealtape %s: exit code %d\n%s%s", tt.by, args[0], code, out, errs)
			}
			unlisted := strings.Contains(out, "the store does not list")
			if args[0] == "verify" && unlisted == tt.lists {
				t.Errorf("%s: says that it is not listed: %t\n%s", tt.by, unlisted, out)
			}
		}
		public = made
	}

	// share prints one, too, that names the grant.
	shared := l.must(l.ada, "share", l.id, "--to", "Bob", "--store", l.store, "--link")
	name, _, _ := strings.Cut(shared, "\n")
	lines := strings.Split(strings.TrimSpace(shared), "\n")
	if _, share, _ := strings.Cut(name, "/"); share == "" || !strings.HasPrefix(lines[len(lines)-1], "#1&s=") || !strings.HasSuffix(lines[len(lines)-1], "&g="+share) {
		t.Errorf("sealtape share --link says\n%s", shared)
	}

	// What pages may read of it.
	checked := l.must(l.ada, "doctor", "--store", l.store, "--web", "https://meet.example.org/tapes/")
	for _, want := range []string{"ok       gives pages", "ok       tells pages", "nothing to strangers"} {
		if !strings.Contains(checked, want) {
			t.Errorf("doctor does not say %q:\n%s", want, checked)
		}
	}

	// What is another recording's, or an older state's, is refused as that.
	_, invitation, _ := link.Cut(public)
	i, err := link.Parse(invitation)
	if err != nil {
		t.Fatal(err)
	}
	later, other, thief := *i, *i, *i
	later.Size++
	other.Root[0] ^= 1
	thief.Recorder = slices.Clone(i.Recorder)
	thief.Recorder[0] ^= 1
	for _, tt := range []struct {
		what string
		i    link.Invitation
		code int
		said string
	}{
		{"of a later state", later, 4, "the store shows an older state than the one that the link was made for"},
		{"of another root", other, 4, "that is not the recording that the link was made for"},
		{"of another recorder", thief, 4, "it is not signed by the recorder that the link names"},
	} {
		out, errs, code := l.asStranger(l.bob, "", "info", "#"+tt.i.String())
		if code != tt.code || !strings.Contains(errs, tt.said) {
			t.Errorf("%s: exit code %d\n%s%s", tt.what, code, out, errs)
		}
	}
	if f := l.fetch("#" + later.String()); f.Failed != "" {
		t.Errorf("the store does not judge: %+v", f)
	}

	// Who has pinned nobody is told that the recorder is claimed.
	eve, _ := l.person("Eve")
	out, errs, code := l.asStranger(eve, "", "info", public)
	if code != 5 || !strings.Contains(errs, "The recorder is claimed") || !strings.Contains(out, "claimed by the link (") {
		t.Errorf("a claimed recorder: exit code %d\n%s%s", code, out, errs)
	}
	out, errs, code = l.asStranger(eve, "", "verify", public)
	if code != 4 || !strings.Contains(out, "signed by whom the link names: their card is not pinned") || !strings.Contains(errs, "sealtape keys add --recorder FILE") {
		t.Errorf("a claimed recorder is verified: exit code %d\n%s%s", code, out, errs)
	}
}

// TestLinkToStranger: who was no reader before and has pinned nobody opens a recording by
// the share in the link, and is told that its giver is claimed as its recorder is.
func TestLinkToStranger(t *testing.T) {
	inRealTime(t)
	l := &linkLab{lab: newDesk(t)}
	var adaCard, bobCard keys.Card
	recorder, recorderCard := l.recorder("Recorder")
	l.ada, adaCard = l.person("Ada", recorderCard)
	l.bob, bobCard = l.person("Bob")
	l.must(l.ada, "keys", "add", writeCard(t, bobCard), "--yes")
	l.store = filepath.Join(l.dir, "web", "store")
	made, err := l.program("make-recording", recorder, nil, "--reader", writeCard(t, adaCard), l.store).Output()
	if err != nil {
		t.Fatal(err)
	}
	l.id = strings.TrimSpace(string(made))
	address := serveFolder(t, filepath.Dir(l.store)).URL + "/store"
	unshared, _ := l.link("--store-url", address)
	shared, _ := l.link("--to", "Bob", "--store-url", address)
	if _, errs, code := l.asStranger(l.bob, "", "info", unshared); code != 5 || strings.Contains(errs, "shared it") {
		t.Errorf("without a share: exit code %d\n%s", code, errs)
	}
	ada, _, _ := strings.Cut(adaCard.Key, "+")
	out, errs, code := l.asStranger(l.bob, "", "info", shared)
	if code != 0 || !strings.Contains(errs, "only the link says that it was "+ada) || !strings.Contains(out, "claimed by the link ("+ada+")") {
		t.Errorf("with one: exit code %d\n%s%s", code, out, errs)
	}
	if out, errs, code := l.asStranger(l.bob, "", "decrypt", shared, "-o", filepath.Join(l.dir, "out")); code != 0 {
		t.Errorf("decrypt: exit code %d\n%s%s", code, out, errs)
	}
	// What it opens is still of a recorder whom only the link names.
	if out, errs, code := l.asStranger(l.bob, "", "verify", shared); code != 4 {
		t.Errorf("verify: exit code %d\n%s%s", code, out, errs)
	}
	// The command's page says so, too.
	playing := l.play(l.bob, []string{"AWS_ACCESS_KEY_ID="}, shared, "--no-browser")
	tab, err := player.Open(l.ctx, player.PageConfig{In: &pages, URL: playing.url})
	if err != nil {
		t.Fatal(err)
	}
	said := ""
	if err = tab.Until(l.ctx, "window.sealtape?.player"); err == nil {
		said, err = player.Eval[string](l.ctx, tab, "[sealtape.recording.claimant?.by, sealtape.recording.claimant?.words, document.querySelector('#badges').innerText].join()")
	}
	if err != nil || !strings.HasPrefix(said, "link,"+recorderCard.Fingerprint().String()+",Recorder claimed\nGiver claimed") {
		t.Errorf("its page says %q, %v", said, err)
	}
	if err := tab.Close(); err != nil {
		t.Error(err)
	}
	if code := playing.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("sealtape play: exit code %d\n%s", code, playing.stderr())
	}
	// A giver whose key was revoked gives nothing.
	revocation := filepath.Join(l.dir, "ada.revoked")
	l.must(l.ada, "keys", "revoke", "-o", revocation)
	l.must(l.bob, "keys", "add", writeCard(t, adaCard), "--yes")
	l.must(l.bob, "keys", "add", revocation)
	if out, errs, code := l.asStranger(l.bob, "", "info", shared); code != 4 || !strings.Contains(out+errs, "does not count") {
		t.Errorf("from a revoked key: exit code %d\n%s%s", code, out, errs)
	}
}

// TestLinkToNamesake: the recorder of a meeting named a Bob as its reader. The Bob to whom it
// is sent is another one, or has other keys now: the link has a share to the keys on his card,
// and he opens it.
func TestLinkToNamesake(t *testing.T) {
	inRealTime(t)
	l := &linkLab{lab: newDesk(t)}
	people, err := player.NewNamedPeople(l.dir, "Ada", "Bob")
	if err != nil {
		t.Fatal(err)
	}
	meeting, err := player.Flashes(player.Readers{All: people.Readers.All}, 1, 0, 5*time.Second, false)
	if err != nil {
		t.Fatal(err)
	}
	meeting.Epochs[0].Names = "Ada, Bob"
	l.ada, l.bob, l.store = people.Owner, people.Guest, filepath.Join(l.dir, "web", "store")
	if l.id, err = player.Write(l.store, people.Signer.Signer(), meeting); err != nil {
		t.Fatal(err)
	}
	address := serveFolder(t, filepath.Dir(l.store)).URL + "/store"
	for _, tt := range []struct {
		to   []string
		code int
	}{{nil, 5}, {[]string{"--to", "Bob"}, 0}} {
		made, _ := l.link(append(tt.to, "--store-url", address)...)
		if out, errs, code := l.asStranger(l.bob, "", "info", made); code != tt.code {
			t.Errorf("by a link with %q, his keys open it with exit code %d, want %d\n%s%s", tt.to, code, tt.code, out, errs)
		}
	}
}
