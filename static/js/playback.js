// How a video is driven: speeds, backwards, picture by picture, round a loop. What the browser or
// the machine does not do is said instead of pretended.

const SPEEDS = [0.25, 0.5, 1, 2, 4, 8, 16];
const REWIND_MS = 125;
const WATCHED_MS = 3000;
const KEEPS_UP = 0.8;
const SOUND_STEP_S = 0.2;

const times = (rate) => `${Number(rate.toPrecision(2))}×`;

export class Playback {
  // desk: seek(time), say(sentence), start(), and its loop. fps is 0 where there are no pictures.
  constructor(video, fps, desk) {
    this.video = video;
    this.fps = fps;
    this.desk = desk;
    for (const name of ["play", "seeking", "ratechange"]) {
      video.addEventListener(name, () => (this.since = undefined));
    }
    video.addEventListener("play", () => this.follow());
    this.watchPictures();
  }

  seek(time) {
    this.video.currentTime = time;
    this.before = time;
  }

  get running() {
    return !this.video.paused || this.rewinding !== undefined;
  }

  stop() {
    clearInterval(this.rewinding);
    this.rewinding = undefined;
    this.rewindRate = 0;
    this.video.pause();
  }

  // Whether the browser took the speed; where it did not, the old one stays.
  setSpeed(rate) {
    const { video } = this;
    const before = video.playbackRate;
    try {
      video.playbackRate = rate;
    } catch {
      // Browsers throw at speeds they do not have; some others ignore them.
    }
    if (video.playbackRate === rate) return true;
    video.playbackRate = before;
    this.desk.say(`This browser does not play at ${times(rate)}; it stays at ${times(before)}.`);
    return false;
  }

  change(direction) {
    const at = this.video.playbackRate;
    const beyond = direction > 0 ? SPEEDS.find((each) => each > at) : SPEEDS.findLast((each) => each < at);
    if (beyond) this.setSpeed(beyond);
    else if (direction > 0) {
      this.desk.say(`${times(at)} is the fastest that browsers play. The timeline goes further at once.`);
    } else {
      this.desk.say(`${times(at)} is the slowest here. Comma and full stop go picture by picture.`);
    }
  }

  faster() {
    const forwards = !this.video.paused;
    if (forwards) {
      this.change(1);
      return;
    }
    this.stop();
    this.setSpeed(1);
    this.desk.start();
  }

  // No browser plays backwards: it seeks instead, and a slow seek is waited for.
  backwards() {
    const rate = Math.min(SPEEDS.at(-1), this.rewindRate * 2 || 1);
    this.stop();
    this.rewindRate = rate;
    let time = this.video.currentTime;
    let last = performance.now();
    this.rewinding = setInterval(() => {
      const now = performance.now();
      time = Math.max(0, time - (rate * (now - last)) / 1000);
      last = now;
      if (!this.video.seeking) this.desk.seek(time);
      if (time > 0) return;
      this.stop();
      this.desk.say("");
    }, REWIND_MS);
    this.desk.say(`Backwards at ${times(rate)}, a few pictures a second and without sound.`);
  }

  // The time of the picture on screen, which the current time may lie anywhere after.
  watchPictures() {
    const { video } = this;
    if (!video.requestVideoFrameCallback) return;
    video.requestVideoFrameCallback((_, { mediaTime }) => {
      this.shown = mediaTime;
      this.watchPictures();
    });
  }

  // One picture ahead (1) or back (-1). It aims at a picture's middle: its edges are rounded.
  picture(direction) {
    this.stop();
    const { video, fps, shown } = this;
    const time = video.currentTime;
    const length = fps ? 1 / fps : SOUND_STEP_S;
    let wanted = time + direction * length;
    if (fps && shown !== undefined && !video.seeking) {
      wanted = direction > 0 ? Math.max(wanted, shown + 1.5 * length) : shown - 0.5 * length;
    }
    this.desk.seek(wanted);
  }

  // While it plays, often enough that a loop ends where its mark is.
  follow() {
    this.before = this.video.currentTime;
    const look = () => {
      if (this.video.paused) return;
      this.goRound();
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  }

  goRound() {
    const { loop } = this.desk;
    const now = this.video.currentTime;
    if (loop.left(this.before, now)) this.desk.seek(loop.from);
    this.before = this.video.currentTime;
    this.checkPace();
  }

  checkPace() {
    const { video } = this;
    const now = performance.now();
    if (this.since === undefined || video.seeking) {
      this.since = now;
      this.sinceTime = video.currentTime;
      return;
    }
    if (now - this.since < WATCHED_MS) return;
    const pace = (1000 * (video.currentTime - this.sinceTime)) / (now - this.since);
    this.since = undefined;
    if (pace > KEEPS_UP * video.playbackRate) return;
    this.desk.say(`This machine plays at about ${times(pace)} of the ${times(video.playbackRate)} asked for.`);
  }
}
