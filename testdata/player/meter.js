// meter watches and hears the tracks of the player on the page, and holds what it
// finds against the player's clock. It is evaluated in a page that plays.
(async () => {
	if (window.meter) return;
	const player = window.sealtape.player;
	const meter = window.meter = { pictures: [], beeps: [], trouble: [], generation: 0 };

	// The player's clock over the machine's, to look up what it was: a list of
	// [performance.now(), time], a new one after each jump.
	let runs = [[]];
	const note = () => {
		const now = performance.now(), time = player.time;
		let run = runs.at(-1), last = run.at(-1);
		if (last && Math.abs(time - last[1] - (now - last[0]) / 1000 * meter.rate) > 0.1) runs.push(run = []);
		if (meter.rate !== player.rate) runs.push(run = []);
		meter.rate = player.rate;
		run.push([now, time]);
		while (runs.length > 40) runs.shift();
		if (run.length > 20000) run.splice(0, 10000);
		return time;
	};
	meter.rate = player.rate;
	setInterval(note, 10);
	/** at returns what the clock was at a moment, null where it jumped or stood. */
	const at = (perf) => {
		for (let i = runs.length - 1; i >= 0; i--) {
			const run = runs[i];
			if (run.length < 2 || perf < run[0][0]) continue;
			if (perf > run.at(-1)[0]) return null;
			let lo = 0, hi = run.length - 1;
			while (hi - lo > 1) {
				const mid = (lo + hi) >> 1;
				if (run[mid][0] <= perf) lo = mid; else hi = mid;
			}
			const [a, b] = [run[lo], run[hi]];
			if (b[1] === a[1]) return null;
			return a[1] + (b[1] - a[1]) * (perf - a[0]) / (b[0] - a[0]);
		}
		return null;
	};

	// Pictures: the 20 blocks at the bottom, see testdata/media. A frame's time is
	// taken when it is presented.
	const canvas = new OffscreenCanvas(20, 2), paint = canvas.getContext("2d", { willReadFrequently: true });
	meter.look = (video) => {
		const w = video.videoWidth, h = video.videoHeight;
		if (!w) return null;
		paint.drawImage(video, 0, h * 296 / 360, w, h * 64 / 360, 0, 0, 20, 2);
		const px = paint.getImageData(0, 0, 20, 2).data;
		let code = 0, above = 0;
		for (let i = 0; i < 20; i++) {
			code = code * 2 + (px[80 + i * 4] > 128 ? 1 : 0);
			above += px[i * 4] / 20;
		}
		return { code, white: above > 230 };
	};
	const watched = new WeakSet();
	const watch = (uid, video) => {
		watched.add(video);
		const step = (now, meta) => {
			video.requestVideoFrameCallback(step);
			const seen = meter.look(video);
			const shown = meta.expectedDisplayTime;
			const rate = player.rate, of = meter.generation;
			// What the clock will be when it is shown is known a little later.
			setTimeout(() => of === meter.generation && meter.pictures.push({ uid, media: meta.mediaTime, shown, ...seen, rate, clock: at(shown) }), 150);
			if (meter.pictures.length > 50000) meter.pictures.splice(0, 25000);
		};
		video.requestVideoFrameCallback(step);
	};

	// Sound: a worklet finds where it gets loud, and counts how often the wave
	// crosses zero in what follows. Samples are rendered in bursts; an element
	// believes that the first of a burst is heard when it is rendered.
	const source = `registerProcessor("ear", class extends AudioWorkletProcessor {
		quiet = 1e9; since = -1; crossings = 0; last = 0; burst = 0; frame = 0; loud = 0;
		process([input]) {
			const now = Date.now();
			if (now - this.burst > 3) { this.burst = now; this.frame = currentFrame; }
			const x = input[0];
			if (!x) { this.quiet += 128; return true; }
			for (let i = 0; i < x.length; i++) {
				const v = x[i];
				if (this.since >= 0) {
					this.since++;
					if (v > 0 !== this.last > 0) this.crossings++;
					if (this.since === Math.round(0.024 * sampleRate)) {
						this.port.postMessage({ ...this.onset, hz: this.crossings / 2 / this.since * sampleRate });
						this.since = -1;
					}
				}
				this.last = v;
				if (Math.abs(v) > 0.08) {
					if (this.quiet > 0.15 * sampleRate) {
						this.onset = { wall: this.burst + (currentFrame + i - this.frame) / sampleRate * 1000, context: (currentFrame + i) / sampleRate };
						this.since = this.crossings = 0;
					}
					this.quiet = 0;
				} else this.quiet++;
			}
			return true;
		}
	})`;
	const module = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
	const own = meter.context = new AudioContext({ sampleRate: 48000, latencyHint: "interactive" });
	const prepared = new Map([[own, own.audioWorklet.addModule(module)]]);
	await prepared.get(own);
	/** hear listens to what a page levels on its way there, and else takes the sound for itself. */
	const hear = async (uid, audio) => {
		watched.add(audio);
		while (player.levelled && !sources.has(audio)) await new Promise((done) => setTimeout(done, 5));
		const tap = sources.get(audio) ?? own.createMediaElementSource(audio), { context } = tap;
		if (!prepared.has(context)) prepared.set(context, context.audioWorklet.addModule(module));
		await prepared.get(context);
		const ear = new AudioWorkletNode(context, "ear", { channelCount: 1, channelCountMode: "explicit" });
		tap.connect(ear);
		if (context === own) tap.connect(context.destination);
		ear.port.onmessage = ({ data }) => {
			// Of a sound that it does not lead anywhere a page cannot know the device's delay.
			const delay = context === own ? 0 : context.baseLatency + context.outputLatency + 0.006;
			const heard = data.wall - performance.timeOrigin + delay * 1000, rate = player.rate, of = meter.generation;
			setTimeout(() => of === meter.generation && meter.beeps.push({ uid, heard, hz: data.hz, rate, clock: at(heard) }), 50 + delay * 1000);
			if (meter.beeps.length > 50000) meter.beeps.splice(0, 25000);
		};
	};
	const attach = () => {
		for (const [uid, element] of player.elements()) {
			if (watched.has(element)) continue;
			try {
				if (element instanceof HTMLVideoElement) watch(uid, element);
				else hear(uid, element).catch((e) => meter.trouble.push(`${uid}: ${e}`));
			} catch (e) {
				watched.add(element);
				meter.trouble.push(`${uid}: ${e}`);
			}
		}
	};
	player.addEventListener("tracks", attach);
	attach();
	await own.resume();

	/** take returns what was noted since it was called last. */
	meter.take = () => {
		const out = { pictures: meter.pictures, beeps: meter.beeps, trouble: meter.trouble, time: player.time, rate: player.rate };
		meter.pictures = [];
		meter.beeps = [];
		return out;
	};
	/** clear forgets what was noted, and what is about to be. */
	meter.clear = () => {
		meter.generation++;
		meter.take();
	};
})()
