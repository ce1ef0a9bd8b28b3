//go:build unix

package main

import (
	"errors"
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
)

// TestMeetingLinkInBrowser: two workers of a fleet recorded a meeting in three parts, the last
// for others. Bob's browser has pinned the fleet alone. By a link to the meeting the page says
// that the fleet recorded the first part, goes on with the second, and says that the last does
// not open. He gives it his key once, and does not let it keep that: it is there until the page
// goes. From a folder that he picks the page plays all this, too, and from copies that it kept.
func TestMeetingLinkInBrowser(t *testing.T) {
	withBrowsers(t, onePage)
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
	v.do("localStorage.setItem('sealtape.title', '1')") // its name is in the page's title
	at("about:blank")
	at(page.URL + "/#" + i.String())
	giveKey := func() {
		t.Helper()
		v.until("document.querySelector('#keyfile')?.checkVisibility()")
		v.do(fmt.Sprintf(`(() => {
			const files = new DataTransfer();
			files.items.add(new File([%q], "key.age"));
			document.getElementById("keyfile").files = files.files;
			document.getElementById("keypassphrase").value = "xyzzy plugh";
			document.querySelector("form:has(#keyfile) button[type=submit]").click();
			window.asked = 0;
			let asking = true;
			new MutationObserver(() => {
				if (!asking && document.body.classList.contains("asking")) window.asked++;
				asking = document.body.classList.contains("asking");
			}).observe(document.body, { attributes: true });
		})()`, export))
	}
	notAsked := func() {
		t.Helper()
		if n, err := player.Eval[int](l.ctx, v.page, "window.asked"); err != nil || n > 0 {
			t.Errorf("it asked for the key %d times more, %v", n, err)
		}
	}
	giveKey()
	v.until("document.querySelector('.parts:not([hidden]) .partsbutton')?.textContent === 'Part 1 of 3'")
	badges, err := player.Eval[string](l.ctx, v.page, "document.getElementById('badges').textContent")
	if err != nil || !strings.Contains(badges, "Verified: Fleet") {
		t.Errorf("the page says of it %q, %v", badges, err)
	}
	keepCopy := func() {
		t.Helper()
		v.until("document.getElementById('keep')")
		v.do("document.getElementById('keep').click()")
		v.until("/Keep it in this browser/.test(document.querySelector('.popover:popover-open')?.textContent)")
		v.do("[...document.querySelectorAll('.popover:popover-open button')].find((b) => b.textContent === 'Keep it in this browser').click()")
		v.until("/Kept: /.test(document.querySelector('.popover:popover-open')?.textContent)")
		v.do("document.querySelector('.popover:popover-open').hidePopover()")
	}
	keepCopy()
	v.do("document.querySelector('.parts .partsbutton').click()")
	v.until("/Part 1 of 3.*8\\ssec later.*Part 2 of 3.*Part 3 of 3.*none of your keys opens it/.test(document.querySelector('.popover:popover-open .partlist')?.textContent)")
	keep(t, l.ctx, v.page, "meeting-link")
	v.do("document.querySelector('.popover:popover-open').hidePopover(), sealtape.player.seek(1), sealtape.player.play()")
	v.until("location.hash.includes('r=" + second + "') && document.querySelector('.parts:not([hidden]) .partsbutton')?.textContent === 'Part 2 of 3'")
	v.until("document.getElementById('badges').textContent.includes('Verified: Fleet')")
	v.do("history.back()")
	v.until("location.hash.includes('r=" + first + "') && document.querySelector('.parts:not([hidden]) .partsbutton')?.textContent === 'Part 1 of 3'")
	v.do("history.forward()")
	v.until("location.hash.includes('r=" + second + "') && document.querySelector('.parts:not([hidden]) .partsbutton')?.textContent === 'Part 2 of 3'")
	notAsked()
	v.do("sealtape.player.seek(1), sealtape.player.play()")
	v.until("document.getElementById('toast').textContent === 'This meeting goes on in another recording that this link does not open.'")
	keep(t, l.ctx, v.page, "meeting-link-end")
	keepCopy()
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

	// A part that has gone meanwhile does not open, and nothing of the one before it stays.
	if err := os.Rename(filepath.Join(store, first), filepath.Join(store, "away")); err != nil {
		t.Fatal(err)
	}
	v.do("document.querySelector('.parts [data-icon=left]').click()")
	v.until("!document.getElementById('message').hidden")
	keep(t, l.ctx, v.page, "meeting-link-fails")
	left, err := player.Eval[string](l.ctx, v.page, "[document.title, document.querySelector('#toast.shown'), navigator.mediaSession.metadata, navigator.mediaSession.playbackState, sealtape.player, sealtape.recording].join()")
	if err != nil || left != "Recording – Sealtape,,,none,," {
		t.Errorf("of the part that was left there is %q, %v", left, err)
	}
	v.do("history.back()")
	v.until("location.hash.includes('r=" + second + "') && document.querySelector('.parts:not([hidden]) .partsbutton')?.textContent === 'Part 2 of 3'")
	v.until("document.title.includes('Weekly')")
	v.do("history.forward()")
	v.until("document.querySelector('#message .actions button')?.textContent === 'Back to the part that played'")
	v.do("document.querySelector('#message .actions button').click()")
	v.until("location.hash.includes('r=" + second + "') && document.querySelector('.parts:not([hidden]) .partsbutton')?.textContent === 'Part 2 of 3'")
	notAsked()

	// A part that is withheld is not gone to.
	v.do("location.reload()")
	giveKey() // a page that begins anew has none
	v.until("document.querySelector('.parts:not([hidden]) [data-icon=left]')?.disabled")
	v.do("document.querySelector('.parts .partsbutton').click()")
	v.until("/Part 1 of 3does not open here/.test(document.querySelector('.popover:popover-open .partlist')?.textContent)")

	// A link to the second part alone says that there was one before.
	alone := *i.Part(1)
	alone.Meeting = nil
	at("about:blank")
	at(page.URL + "/#" + alone.String())
	giveKey()
	v.until("document.querySelector('.parts:not([hidden]) .partsbutton')?.textContent === 'More of this meeting'")
	v.do("document.querySelector('.parts .partsbutton').click()")
	v.until("document.querySelector('.popover:popover-open')?.textContent === 'This meeting began in another recording that this link does not open.'")

	// The same from a folder that is picked: listed, played through, and saved.
	if err := os.Rename(filepath.Join(store, "away"), filepath.Join(store, first)); err != nil {
		t.Fatal(err)
	}
	downloads := filepath.Join(l.dir, "downloads")
	if err := errors.Join(os.Mkdir(downloads, 0o700), v.page.Downloads(l.ctx, downloads)); err != nil {
		t.Fatal(err)
	}
	asked := func() int {
		files.mu.Lock()
		defer files.mu.Unlock()
		return len(files.asked)
	}
	before := asked()
	at("about:blank")
	at(page.URL + "/")
	v.until("document.getElementById('startfolder')")
	if err := v.page.SetFiles(l.ctx, "#startfolder", store); err != nil {
		t.Fatal(err)
	}
	giveKey()
	v.until("document.querySelectorAll('#start .card').length === 3 && /Part 2 of 2, 8\\ssec after the one before/.test(document.getElementById('start').textContent)")
	keep(t, l.ctx, v.page, "meeting-folder")
	v.do("document.querySelector(`#start a[href$='" + first + "']`).click()")
	v.until("document.querySelector('.parts:not([hidden]) .partsbutton')?.textContent === 'Part 1 of 2'")
	v.do("window.first = sealtape.player, sealtape.player.seek(1), sealtape.player.play()")
	v.until("document.querySelector('.parts:not([hidden]) .partsbutton')?.textContent === 'Part 2 of 2' && sealtape.player !== window.first && sealtape.recording.id === '" + second + "'")
	v.until("sealtape.player.time > 0")
	notAsked()
	v.do("document.getElementById('clip').click()")
	v.until("document.getElementById('clipformat')")
	v.do("document.querySelector('.clip .actions a:nth-of-type(2)').click()")
	l.until("the second part is saved", func() bool {
		saved, err := filepath.Glob(filepath.Join(downloads, "*.mkv"))
		return err == nil && len(saved) == 1
	})
	v.do("document.querySelector('.parts [data-icon=left]').click()")
	v.until("document.querySelector('.parts:not([hidden]) .partsbutton')?.textContent === 'Part 1 of 2' && sealtape.recording.id === '" + first + "'")
	notAsked()

	// And from the copies that the browser kept, whose store learns nothing of it.
	at("about:blank")
	at(page.URL + "/")
	v.until("[...document.querySelectorAll('#start li button')].some((b) => b.textContent === '" + first + "')")
	v.do("[...document.querySelectorAll('#start li button')].find((b) => b.textContent === '" + first + "').click()")
	giveKey()
	v.until("document.querySelector('.parts:not([hidden]) .partsbutton')?.textContent === 'Part 1 of 3'")
	v.do("sealtape.player.seek(1), sealtape.player.play()")
	v.until("document.querySelector('.parts:not([hidden]) .partsbutton')?.textContent === 'Part 2 of 3' && sealtape.recording.id === '" + second + "'")
	v.until("sealtape.player.time > 0")
	keep(t, l.ctx, v.page, "meeting-kept")
	v.do("document.querySelector('.parts [data-icon=left]').click()")
	v.until("document.querySelector('.parts:not([hidden]) .partsbutton')?.textContent === 'Part 1 of 3' && !location.hash.includes('r=')")
	notAsked()
	if n := asked() - before; n > 0 {
		t.Errorf("it fetched %d objects, though they are in the folder, and kept", n)
	}
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
