let context;
const audio = () => (context ??= new AudioContext({ sampleRate: 48000 }));

// A Tone is a microphone that hears one frequency.
export class Tone {
  constructor(hz) {
    const to = audio().createMediaStreamDestination();
    this.source = new OscillatorNode(audio(), { frequency: hz });
    this.source.connect(new GainNode(audio(), { gain: 0.5 })).connect(to);
    this.source.start();
    [this.track] = to.stream.getAudioTracks();
  }

  stop() { this.source.stop(); }
}

// A Picture is a camera that sees one colour, and a bar that moves.
export class Picture {
  constructor(colour) {
    const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 180 });
    const g = canvas.getContext('2d');
    let n = 0;
    this.timer = setInterval(() => {
      n = (n + 4) % canvas.width;
      g.fillStyle = colour;
      g.fillRect(0, 0, canvas.width, canvas.height);
      g.fillStyle = '#fff';
      g.fillRect(n, 170, 8, 10);
    }, 100);
    [this.track] = canvas.captureStream(10).getVideoTracks();
  }

  stop() { clearInterval(this.timer); }
}

// measure plays a track and notes what is seen or heard: the frames that were decoded, or
// the strongest frequency.
export function measure(track, entry) {
  const element = track.attach();
  element.muted = true;
  document.querySelector('#media').append(element);
  if (track.kind === 'video') {
    const count = () => {
      entry.frames++;
      if (!entry.ended) element.requestVideoFrameCallback(count);
    };
    element.requestVideoFrameCallback(count);
    return;
  }
  const analyser = new AnalyserNode(audio(), { fftSize: 8192, smoothingTimeConstant: 0 });
  audio().createMediaStreamSource(new MediaStream([track.mediaStreamTrack])).connect(analyser);
  const bins = new Float32Array(analyser.frequencyBinCount);
  const timer = setInterval(() => {
    if (entry.ended) { clearInterval(timer); return; }
    analyser.getFloatFrequencyData(bins);
    let top = 0;
    bins.forEach((level, i) => { if (level > bins[top]) top = i; });
    entry.hz = bins[top] > -60 ? top * audio().sampleRate / analyser.fftSize : 0;
  }, 250);
}
