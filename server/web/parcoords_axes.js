/* The axes of <hone-parcoords> on a canvas: lanes, ticks, ranges, the place of the arrow keys. `plot` is
 * the element. */
import {LANE_NAMES, stopY} from './brushing.js';
import {colour, fitText} from './canvas.js';
import {labelOf} from './scales.js';
import {num} from './view.js';

export const SIDE = 46; // from the edge to the first axis
/** A dashed line and a name for each lane. */
export function drawLanes(plot, ctx) {
  ctx.fillStyle = colour('muted');
  ctx.strokeStyle = colour('line');
  ctx.lineWidth = 1;
  for (const code of plot.laneCodes) {
    const y = plot.laneY[code - 1];
    ctx.setLineDash([2, 3]);
    ctx.beginPath();
    ctx.moveTo(SIDE, y);
    ctx.lineTo(plot.width - SIDE, y);
    ctx.stroke();
    ctx.fillText(LANE_NAMES[code - 1], 4, y);
  }
  ctx.setLineDash([]);
}

/** An axis with its ticks, ranges and cursor. */
export function drawAxis(plot, ctx, name, x) {
  const {axis, scale} = plot.fitted(name);
  ctx.strokeStyle = colour('muted');
  ctx.lineWidth = 1;
  ctx.beginPath();
  ctx.moveTo(x, 0);
  ctx.lineTo(x, plot.height);
  ctx.stroke();
  for (const band of plot.bands(name)) drawBand(ctx, x, band);
  const room = plot.at.length > 1 ? plot.at[1] - plot.at[0] - 10 : 100;
  for (const tick of ticksOf(plot, axis, scale)) {
    const text = axis.keys.length ? labelOf(axis.keys[tick]) : num(tick);
    drawTick(plot, ctx, x, plot.height * (1 - scale.to(tick)), text, room);
  }
  if (document.activeElement?.dataset?.axis === name && plot.cursors[name]) drawCursor(ctx, x, stopY(plot, name));
}

/* Ticks that have 14 pixels each. */
function ticksOf(plot, axis, scale) {
  const most = Math.max(2, Math.floor(plot.height / 44));
  const ticks = scale.ticks(most);
  const step = Math.ceil(ticks.length / Math.floor(plot.height / 14));
  return ticks.filter((_, i) => i % step === 0);
}

function drawTick(plot, ctx, x, y, text, room) {
  const at = Math.min(plot.height - 5, Math.max(5, y));
  ctx.strokeStyle = colour('panel');
  ctx.fillStyle = colour('text');
  ctx.lineWidth = 3.5;
  ctx.lineJoin = 'round';
  const short = fitText(ctx, text, room);
  ctx.strokeText(short, x + 5, at);
  ctx.fillText(short, x + 5, at);
}

function drawBand(ctx, x, [top, bottom]) {
  ctx.globalAlpha = 0.3;
  ctx.fillStyle = colour('accent');
  ctx.fillRect(x - 8, top, 16, Math.max(2, bottom - top));
  ctx.globalAlpha = 1;
  ctx.strokeStyle = colour('accent');
  ctx.lineWidth = 1.5;
  ctx.strokeRect(x - 8, top, 16, Math.max(2, bottom - top));
}

function drawCursor(ctx, x, y) {
  ctx.strokeStyle = colour('text');
  ctx.lineWidth = 2;
  ctx.strokeRect(x - 11, y - 2, 22, 4);
}
