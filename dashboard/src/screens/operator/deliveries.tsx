// Notices of the house, where they are told, and each delivery with its attempts. (in work by DESK2)
export default function Screen() {
  return null;
}
