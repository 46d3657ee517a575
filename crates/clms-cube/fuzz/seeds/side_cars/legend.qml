2<!DOCTYPE qgis><qgis version="3"><pipe><rasterrenderer type="paletted"><colorPalette>
<paletteEntry value="1" alpha="255" label="Trees &amp; bushes" color="#228b22"/>
<paletteEntry value="254" alpha="0" label="" color="#e6e6e6ff"/></colorPalette></rasterrenderer></pipe></qgis>