from __future__ import annotations

from qtpy.QtGui import QColor, QImage

from napari_ssamamba.plugin.demo_window import two_by_two


def test_pictures_of_a_scaled_screen_fill_their_quarters(qapp: object) -> None:
    pictures = [QImage(6, 4, QImage.Format.Format_RGB32) for _ in range(4)]
    for picture, shade in zip(pictures, (50, 100, 150, 200), strict=True):
        picture.fill(QColor(shade, shade, shade))
        picture.setDevicePixelRatio(2)
    joined = two_by_two(pictures)
    assert (joined.width(), joined.height()) == (12, 8)
    shades = [[QColor(joined.pixel(x, y)).red() for x in (0, 5, 6, 11)] for y in (0, 3, 4, 7)]
    assert shades == 2 * [[50, 50, 100, 100]] + 2 * [[150, 150, 200, 200]]
