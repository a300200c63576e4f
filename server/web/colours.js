/* Colours of a scale or a rank. Pure functions. */

const VIRIDIS = ['440154', '482475', '414487', '355f8d', '2a788e', '21918c', '22a884', '44bf70',
  '7ad151', 'bddf26', 'fde725'].map((hex) => [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16)));

/** The viridis colour at t in 0..1 as [red, green, blue]. */
export function viridis(t) {
  const at = Math.min(1, Math.max(0, t)) * (VIRIDIS.length - 1);
  const k = Math.min(VIRIDIS.length - 2, Math.floor(at));
  return VIRIDIS[k].map((c, i) => Math.round(c + (VIRIDIS[k + 1][i] - c) * (at - k)));
}

/** The colour of a rank from 0 (best, stands out most) to 1 (worst) on a dark or light ground. */
export function rankColour(rank, dark) {
  return viridis(dark ? 1 - 0.78 * rank : 0.88 * rank);
}

export const css = ([r, g, b], alpha = 1) => `rgb(${r} ${g} ${b} / ${alpha})`;
