package web_test

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// speakers is two tones, 20 dB apart, which a Leveller of the page leads to the device.
// apart tells by how many dB they are apart there.
const speakers = `(async () => {
	const tone = (hz, amplitude) => {
		const rate = 48000, b = new DataView(new ArrayBuffer(44 + 2 * rate));
		[..."RIFF....WAVEfmt "+".".repeat(20)+"data"].forEach((c, i) => b.setUint8(i, c.charCodeAt(0)));
		[[4, 36 + 2 * rate], [16, 16], [24, rate], [28, 2 * rate], [40, 2 * rate]].forEach(([at, n]) => b.setUint32(at, n, true));
		[[20, 1], [22, 1], [32, 2], [34, 16]].forEach(([at, n]) => b.setUint16(at, n, true));
		for (let i = 0; i < rate; i++) b.setInt16(44 + 2 * i, 32767 * amplitude * Math.sin(2 * Math.PI * hz * i / rate), true);
		const e = document.createElement("audio");
		e.loop = true;
		e.src = URL.createObjectURL(new Blob([b], {type: "audio/wav"}));
		return e;
	};
	let ear;
	const {connect} = AudioNode.prototype;
	AudioNode.prototype.connect = function (to, ...rest) {
		if (to instanceof AudioDestinationNode) connect.call(this, ear = new AnalyserNode(this.context, {fftSize: 8192, smoothingTimeConstant: 0}));
		return connect.call(this, to, ...rest);
	};
	window.level = (hz) => {
		if (!ear) return -Infinity;
		const bins = new Float32Array(ear.frequencyBinCount), at = Math.round(hz / ear.context.sampleRate * ear.fftSize);
		ear.getFloatFrequencyData(bins);
		return Math.max(...bins.subarray(at - 2, at + 3));
	};
	window.apart = () => level(550) - level(440);
	const {Leveller} = await import(new URL("../page/engine/leveller.js", location.href)), l = window.leveller = new Leveller();
	const quiet = tone(440, 0.02), loud = tone(550, 0.2);
	l.on = true;
	l.wake();
	for (const e of [quiet, loud]) l.add(e);
	await Promise.all([quiet.play(), loud.play()]);
	window.speakers = [quiet, loud];
})()`

// TestPlayerPageLevels measures how loud speakers are.
func TestPlayerPageLevels(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.on("equally loud", equallyLoud)
	s.on("setting", levelSetting)
	s.on("without", withoutLevels)
}

// equallyLoud: speakers who are 20 dB apart are heard within 3, and as they are once it
// is off. The volume is not levelled away.
func equallyLoud(s *site) {
	s.open("watch/" + meeting)
	s.do(chromedp.Click("#mute")) // without a click there is no sound
	s.do(chromedp.Evaluate[chromedp.Void](speakers, chromedp.EvalAwaitPromise))
	s.wait("apart() > 17 && apart() < 23")
	s.wait("Math.abs(apart()) < 3")
	s.do(chromedp.Evaluate[chromedp.Void]("leveller.setVolume(speakers[1], 0.25)"))
	s.wait("apart() < -10 && apart() > -14")
	want(s, "leveller.delayOf(speakers[0]) > 0.005 && leveller.delayOf(speakers[0]) < 0.5", true)
	s.do(chromedp.Evaluate[chromedp.Void]("leveller.on = false, leveller.setVolume(speakers[1], 1)"))
	s.wait("apart() > 17")
	s.do(chromedp.Evaluate[chromedp.Void]("leveller.close()"))
}

// levelSetting: it is on, and stays off where one wants that.
func levelSetting(s *site) {
	s.open("watch/" + meeting)
	want(s, "sealtape.player.levelled", true)
	box := `document.querySelector("#pane-people .level input")`
	want(s, box+".labels[0].textContent", "All speakers are equally loud")
	s.do(chromedp.Evaluate[chromedp.Void](box + ".click()"))
	want(s, "sealtape.player.levelled", false)
	s.open("watch/" + meeting)
	want(s, "sealtape.player.levelled + String("+box+".checked)", "falsefalse")
	s.do(chromedp.Evaluate[chromedp.Void](box + ".click()"))
	want(s, `sealtape.player.levelled && localStorage.getItem("sealtape.level") === "1"`, true)
}

// withoutLevels: a browser that cannot do it plays all the same.
func withoutLevels(s *site) {
	s.open("watch/" + meeting)
	s.do(chromedp.Evaluate[chromedp.Void]("window.AudioContext = undefined"))
	s.key("k")
	s.wait("sealtape.player.time > 0.2")
	want(s, "sealtape.player.phase", "playing")
}
