/**
 * Runs in the page before its own scripts: instead of the browser's green test picture the camera shows a person in a
 * room, and the microphone is quiet, or hums as somebody who is speaking. The rest of the call is real.
 *
 * @typedef {{ wall: [string, string], skin: string, hair: string, shirt: string, longHair?: boolean, speaks?: boolean }} Sitter
 * @param {Sitter} sitter
 */
export function paintCamera({ wall, skin, hair, shirt, longHair = false, speaks = false }) {
  const [WIDTH, HEIGHT] = [960, 720];

  /** @param {CanvasRenderingContext2D} pen */
  function paint(pen) {
    const [x, y] = [WIDTH / 2, HEIGHT * 0.46];
    pen.fillStyle = wall[1];
    pen.fillRect(0, 0, WIDTH, HEIGHT);
    ellipse(pen, wall[0], x, y + 60, 300, 300);
    if (longHair) ellipse(pen, hair, x, y + 60, 138, 190);
    ellipse(pen, shirt, x, HEIGHT + 60, 280, 270);
    ellipse(pen, skin, x, y + 130, 46, 78);
    face(pen, x, y + 8);
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {number} x
   * @param {number} y
   */
  function face(pen, x, y) {
    ellipse(pen, hair, x, y - 30, 122, 134);
    pen.save();
    pen.clip();
    ellipse(pen, skin, x, y, 98, 118);
    ellipse(pen, hair, x - 42, y - 128, 150, 84);
    pen.restore();
    ellipse(pen, skin, x, y + 58, 66, 59);
    const ink = '#26201f';
    for (const side of [-1, 1]) ellipse(pen, ink, x + side * 36, y + 12, 8, 10);
    Object.assign(pen, { strokeStyle: ink, lineWidth: 6, lineCap: 'round' });
    pen.beginPath();
    pen.arc(x, y + 44, 32, 0.2 * Math.PI, 0.8 * Math.PI);
    pen.stroke();
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {string} colour
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   */
  function ellipse(pen, colour, x, y, width, height) {
    pen.fillStyle = colour;
    pen.beginPath();
    pen.ellipse(x, y, width, height, 0, 0, 2 * Math.PI);
    pen.fill();
  }

  function camera() {
    const canvas = Object.assign(document.createElement('canvas'), { width: WIDTH, height: HEIGHT });
    const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    setInterval(() => paint(pen), 100); // a canvas gives a frame whenever it is painted on
    return canvas.captureStream().getVideoTracks();
  }

  function microphone() {
    const context = new AudioContext();
    const destination = context.createMediaStreamDestination();
    if (speaks) {
      const voice = new OscillatorNode(context, { frequency: 180 });
      voice.connect(new GainNode(context, { gain: 0.3 })).connect(destination);
      voice.start();
    }
    return destination.stream.getAudioTracks();
  }

  navigator.mediaDevices.getUserMedia = async ({ audio, video } = {}) =>
    new MediaStream([...(audio ? microphone() : []), ...(video ? camera() : [])]);
}
