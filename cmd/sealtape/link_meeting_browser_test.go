//go:build unix

package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/archive/link"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/testdata/player"
	"github.com/sealtape/sealtape/testdata/sample"
)

// TestMeetingLinkInBrowser: two workers of a fleet recorded a meeting in three parts, the last
// for others. Bob's browser has pinned the fleet alone. By a link to the meeting the page says
// that the fleet recorded the first part, goes on with the second, and says that the last does
// not open.
func TestMeetingLinkInBrowser(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	l := newDesk(t)
	fleet, fleetCard := l.recorder("Fleet")
	bob, bobCard := l.person("Bob")
	_, eveCard := l.person("Eve")
	var workers []string
	for _, device := range []string{"w1", "w2"} {
		home := filepath.Join(l.dir, device)
		h, err := keys.OpenHome(home)
		if err != nil {
			t.Fatal(err)
		}
		id, err := h.InitAs(keys.Description{Name: "Fleet", Device: device, Role: keys.Recorder}, nil)
		if err != nil {
			t.Fatal(err)
		}
		card, err := id.Card()
		if err != nil {
			t.Fatal(err)
		}
		approved := filepath.Join(l.dir, device+".card")
		l.must(fleet, "keys", "approve", writeCard(t, card), "--yes", "-o", approved)
		l.must(home, "keys", "add", approved)
		l.must(home, "keys", "add", writeCard(t, fleetCard), "--recorder", "--yes")
		workers = append(workers, home)
	}
	l.must(bob, "keys", "add", writeCard(t, fleetCard), "--recorder", "--yes")
	store := filepath.Join(l.dir, "store")
	to := writeCard(t, bobCard)
	first := l.sealed(workers[0], store, "-segments", "1", "-room", "Weekly", "-start", "2026-03-01T09:30:00Z", "-reader", to)
	second := l.sealed(workers[1], store, "-segments", "1", "-room", "Weekly", "-start", "2026-03-01T09:30:10Z", "-reader", to, "-follows", first)
	third := l.sealed(workers[0], store, "-segments", "1", "-room", "Weekly", "-start", "2026-03-01T09:31:00Z", "-reader", writeCard(t, eveCard), "-follows", second)
	files := serveFolder(t, store)
	files.cors = "*"
	page := watchServer(t, http.FileServer(http.Dir(l.playerPages(files.URL))))

	out, said, code := l.run(bob, nil, "link", second, "--meeting", "--store", store, "--store-url", files.URL, "--page", page.URL+"/")
	if code != 0 {
		t.Fatalf("exit code %d\n%s", code, said)
	}
	_, text, _ := link.Cut(strings.TrimSpace(out))
	i, err := link.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if len(i.Meeting) != 2 || i.Meeting[0].Recording != first || i.Meeting[0].Recorder == nil || i.Meeting[1].Recording != "" {
		t.Fatalf("the link names %+v", i.Meeting)
	}
	i.Meeting = append(i.Meeting, l.linked(store, third))
	i = i.Part(0)
	if err := i.Check(); err != nil || i.Recording != first {
		t.Fatal(i, err)
	}

	h, err := keys.OpenHome(bob)
	if err != nil {
		t.Fatal(err)
	}
	identity, err := h.Load(func() ([]byte, error) { return nil, nil })
	if err != nil {
		t.Fatal(err)
	}
	export, err := identity.Export([]byte("xyzzy plugh"), 10)
	if err != nil {
		t.Fatal(err)
	}
	note, err := fleetCard.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	v := l.browser()
	at := func(url string) {
		t.Helper()
		if err := v.page.Navigate(l.ctx, url); err != nil {
			t.Fatal(err)
		}
	}
	at(page.URL + "/")
	v.do(fmt.Sprintf(`(() => {
		const open = indexedDB.open("sealtape", 1);
		open.onupgradeneeded = () => open.result.createObjectStore("values");
		open.onsuccess = () => {
			const values = open.result.transaction("values", "readwrite").objectStore("values");
			values.put({ cards: [%q], revoked: [], replaced: [], grounds: [[%q, { words: true, by: [] }]] }, "pins");
			values.transaction.oncomplete = () => { open.result.close(); window.pinned = true; };
		};
	})()`, note, fleetCard.Key))
	v.until("window.pinned")
	at("about:blank")
	at(page.URL + "/#" + i.String())
	v.until("document.querySelector('#keyfile')?.checkVisibility()")
	v.do(fmt.Sprintf(`(() => {
		const files = new DataTransfer();
		files.items.add(new File([%q], "key.age"));
		document.getElementById("keyfile").files = files.files;
		document.getElementById("keypassphrase").value = "xyzzy plugh";
		document.getElementById("keepkey").checked = true;
		document.querySelector("form:has(#keyfile) button[type=submit]").click();
	})()`, export))
	v.until("!document.querySelector('#keyfile') && document.querySelector('#keyquestion .primary') || window.sealtape?.player")
	v.do("document.querySelector('#keyquestion .primary')?.click()") // it may be kept for some days only
	v.until("document.querySelector('.parts:not([hidden]) .partsbutton')?.textContent === 'Part 1 of 3'")
	badges, err := player.Eval[string](l.ctx, v.page, "document.getElementById('badges').textContent")
	if err != nil || !strings.Contains(badges, "Verified: Fleet") {
		t.Errorf("the page says of it %q, %v", badges, err)
	}
	v.do("document.querySelector('.parts .partsbutton').click()")
	v.until("/Part 1 of 3.*8\\ssec later.*Part 2 of 3.*Part 3 of 3.*none of your keys opens it/.test(document.querySelector('.popover:popover-open .partlist')?.textContent)")
	keep(t, l.ctx, v.page, "meeting-link")
	v.do("document.querySelector('.popover:popover-open').hidePopover(), sealtape.player.seek(1), sealtape.player.play()")
	v.until("location.hash.includes('r=" + second + "') && document.querySelector('.parts:not([hidden]) .partsbutton')?.textContent === 'Part 2 of 3'")
	v.until("document.getElementById('badges').textContent.includes('Verified: Fleet')")
	v.do("sealtape.player.seek(1), sealtape.player.play()")
	v.until("document.getElementById('toast').textContent === 'This meeting goes on in another recording that this link does not open.'")
	keep(t, l.ctx, v.page, "meeting-link-end")
	shown, err := player.Eval[string](l.ctx, v.page, "location.hash")
	if err != nil {
		t.Fatal(err)
	}
	if now, err := link.Parse(strings.TrimPrefix(shown, "#")); err != nil || now.Recording != second || now.Meeting[0].Recording != first {
		t.Errorf("the address has %s, %v", shown, err)
	}
	for _, r := range page.take() {
		if strings.Contains(r.url, first) || strings.Contains(r.url, second) {
			t.Errorf("the page's server saw %s", r.url)
		}
	}

	// A part that is withheld is not gone to.
	if err := os.Rename(filepath.Join(store, first), filepath.Join(store, "away")); err != nil {
		t.Fatal(err)
	}
	v.do("location.reload()")
	v.until("document.querySelector('.parts:not([hidden]) [data-icon=left]')?.disabled")
	v.do("document.querySelector('.parts .partsbutton').click()")
	v.until("/Part 1 of 3does not open here/.test(document.querySelector('.popover:popover-open .partlist')?.textContent)")

	// A link to the second part alone says that there was one before.
	alone := *i.Part(1)
	alone.Meeting = nil
	at("about:blank")
	at(page.URL + "/#" + alone.String())
	v.until("document.querySelector('.parts:not([hidden]) .partsbutton')?.textContent === 'More of this meeting'")
	v.do("document.querySelector('.parts .partsbutton').click()")
	v.until("document.querySelector('.popover:popover-open')?.textContent === 'This meeting began in another recording that this link does not open.'")
}

// linked is a part of a meeting as a link names it, also for who does not open it.
func (l *lab) linked(store, id string) link.Part {
	l.t.Helper()
	s, err := dir.Open(store)
	if err != nil {
		l.t.Fatal(err)
	}
	defer s.Close()
	msg, err := readHead(l.ctx, s, id)
	if err != nil {
		l.t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(msg), "\n\n")
	h, err := archive.ParseHead(text + "\n")
	if err != nil {
		l.t.Fatal(err)
	}
	return link.Part{Recording: id, Size: h.Size, Root: h.Root}
}
