/** @import { Sitter } from './painted_camera.js' */

/** Who is in the pictures. @type {{ name: string, sitter: Sitter }[]} */
export const CAST = [
  {
    name: 'Mira Lindqvist',
    sitter: { wall: ['#f3dfc6', '#b98e6d'], skin: '#f0c8a4', hair: '#8a4b2a', shirt: '#2f6f73', longHair: true, speaks: true },
  },
  { name: 'Kwame Asante', sitter: { wall: ['#cfe0e8', '#6f8fa3'], skin: '#8a5a3c', hair: '#1d1614', shirt: '#e0a63a' } },
  { name: 'Tomás Rey', sitter: { wall: ['#cccccc', '#888888'], skin: '#e3b48f', hair: '#333333', shirt: '#555555' } },
  {
    name: '김하은',
    sitter: { wall: ['#dfe7d3', '#8ba27c'], skin: '#f2cfae', hair: '#1f1b1d', shirt: '#b5495b', longHair: true },
  },
];
